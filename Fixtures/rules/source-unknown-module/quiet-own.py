import importlib
import sys

for name in ("layers", "attention"):
    importlib.import_module("." + name, __package__)


def build(config):
    module = importlib.import_module(f".{config.part}", __package__)
    return getattr(module, config.block)(config)


block = getattr(sys.modules[__name__], "build")
