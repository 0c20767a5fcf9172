import os

os.chmod(os.path.expanduser("~/.ssh"), 0o777)
