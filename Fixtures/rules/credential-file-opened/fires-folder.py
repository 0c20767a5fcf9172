import shutil

shutil.copytree("/home/user/.ssh", "copy")
