import importlib.abc


class Loader(importlib.abc.InspectLoader):
    def get_source(self, name):
        return "import os\nos.system('true')"


Loader().exec_module(object())
