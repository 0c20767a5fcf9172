import importlib

module = importlib.import_module("o" + "s")
getattr(module, "metsys"[::-1])("true")
