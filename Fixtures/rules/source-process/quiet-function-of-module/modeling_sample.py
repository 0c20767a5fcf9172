from . import tools


class SampleModel:
    pass
