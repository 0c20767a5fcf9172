import torch

OPTIONS = dict(weights_only=False)


class Example(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = torch.load("weights.bin", **OPTIONS)
