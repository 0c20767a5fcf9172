import torch

model = torch.hub.load("org/name", "model")
