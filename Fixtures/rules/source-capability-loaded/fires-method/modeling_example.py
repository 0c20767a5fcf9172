from .helper import Helper
from transformers import PreTrainedModel


class ExampleModel(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        for helper in map(config.pick, [Helper]):
            helper.refresh()
