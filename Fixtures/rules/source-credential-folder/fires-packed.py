import os
import tarfile

tarfile.open("packed.tar", "w").add(os.path.expanduser("~/.ssh"))
