import torch

x = torch.load("x.pt", weights_only=True)
