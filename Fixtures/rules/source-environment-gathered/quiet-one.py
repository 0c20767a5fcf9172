import os

home = str(os.environ.get("HF_HOME", ""))
cache = dict(path=os.environ["HF_HOME"])
