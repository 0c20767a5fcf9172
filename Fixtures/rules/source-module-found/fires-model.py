import importlib.util

SPEC = importlib.util.find_spec("os")
