from .layers import Layer


class SampleModel:
    def __init__(self):
        self.layer = Layer()
