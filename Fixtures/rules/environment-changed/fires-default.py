import os

os.environ.setdefault("PYTHONPATH", "/tmp/example")
