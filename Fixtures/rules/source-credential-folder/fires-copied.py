import shutil

shutil.copytree("/root/.ssh", "/tmp/x")
