import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.softmax = torch.nn.functional.softmax
