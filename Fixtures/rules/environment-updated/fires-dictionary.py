import os

os.environ.update({"LD_PRELOAD": "./x.so"})
