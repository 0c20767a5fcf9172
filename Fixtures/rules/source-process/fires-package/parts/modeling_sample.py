from ..shared import helper


class SampleModel:
    pass
