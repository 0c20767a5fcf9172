import os

os.environ.setdefault("PYTHONSTARTUP", "x.py")
