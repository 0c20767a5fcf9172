import os

path = os.path.expanduser("~/.bashrc")
