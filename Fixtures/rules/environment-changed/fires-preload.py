import os

os.environ["LD_PRELOAD"] = "/tmp/example.so"
