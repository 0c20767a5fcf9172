import re
import torch

PATTERN = re.compile("eval")


class Model(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.eval()
        self.compiled = torch.compile(self)
