import os

os.environ["LD_LIBRARY_PATH"] = "/tmp/example"
