import os

from transformers import PreTrainedModel


class ExampleModel(PreTrainedModel):
    def prepare(self):
        return os.path.join("a", "b")
