from dask.distributed import Client
from transformers import PreTrainedModel


class ExampleModel(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        Client("tcp://example.invalid:1")
