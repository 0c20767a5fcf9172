import os

from transformers import PreTrainedModel


class ExampleModel(PreTrainedModel):
    def prepare(self):
        os.system("true")
