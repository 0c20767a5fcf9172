import torch

layer = torch.nn.Linear(1, 2)
layer.bias = None
