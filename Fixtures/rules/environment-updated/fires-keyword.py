import os

os.environ.update(PYTHONSTARTUP="x.py")
