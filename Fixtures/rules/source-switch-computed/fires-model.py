import torch

SAFE = read()
WEIGHTS = torch.load("weights.bin", weights_only=bool(SAFE))
