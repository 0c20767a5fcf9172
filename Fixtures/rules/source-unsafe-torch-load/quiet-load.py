import torch

state = torch.load("extra.bin", map_location="cpu", weights_only=True)
