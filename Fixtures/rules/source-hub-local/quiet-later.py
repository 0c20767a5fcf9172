import torch


def restore(folder):
    return torch.hub.load(folder, "model", source="local")
