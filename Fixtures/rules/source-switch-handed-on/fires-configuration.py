from torch import nn
from transformers import AutoModel


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.inner = AutoModel.from_pretrained(config.inner, trust_remote_code=config.trusted)
