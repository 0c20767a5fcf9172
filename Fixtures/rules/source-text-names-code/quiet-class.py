from hydra.utils import get_class
from torch import nn


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.act = get_class("torch.nn.GELU")()
