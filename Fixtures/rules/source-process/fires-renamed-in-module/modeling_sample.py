from .names import start

start("true")


class SampleModel:
    pass
