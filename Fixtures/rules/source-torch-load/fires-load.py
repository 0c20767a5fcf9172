import torch

x = torch.load("x.pt")
