import importlib


def part(name):
    return importlib.import_module(name)


class SampleModel:
    pass
