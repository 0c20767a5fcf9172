import importlib.util

spec = importlib.util.spec_from_file_location("x", "/tmp/x.py")
