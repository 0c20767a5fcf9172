import torch


def backbone():
    return torch.hub.load("example/backbone", "tiny")
