import torch

model = torch.hub.load(".", "model", source="local")
