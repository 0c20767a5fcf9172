open("/proc/sys/kernel/osrelease", "r").read()
open("/sys/fs/cgroup/memory.max").read()
