import importlib

MODULE = importlib.import_module("torch")
