import torch

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}
