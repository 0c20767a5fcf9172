from .tools import prepare

prepare("true")


class SampleModel:
    pass
