import os

open(os.path.join(os.path.dirname(__file__), "cache.json"), "w").close()
