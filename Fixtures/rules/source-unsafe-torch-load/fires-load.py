import torch

state = torch.load("extra.bin", weights_only=False)
