import torch


class Model:
    def forward(self, ids):
        return torch.nn.functional.relu(ids)
