import importlib.machinery

MODULE = importlib.machinery.BuiltinImporter.load_module("posix")
