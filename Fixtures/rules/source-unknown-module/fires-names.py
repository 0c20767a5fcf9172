import importlib

from settings import read

names = read("module"), read("function")
getattr(importlib.import_module(names[0]), names[1])("true")
