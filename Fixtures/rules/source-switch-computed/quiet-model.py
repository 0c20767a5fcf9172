import torch

WEIGHTS = torch.load("weights.bin", weights_only=True)
