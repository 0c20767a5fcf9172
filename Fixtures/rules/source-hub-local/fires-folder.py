import torch

torch.hub.load(".", "model", source="local")
