import torch


class Model(torch.nn.Module):
    def __init__(self):
        for n in range(2):
            setattr(self, f"layer{n}", torch.nn.Linear(2, 2))


Model()
