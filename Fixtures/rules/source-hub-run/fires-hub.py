import torch

backbone = torch.hub.load("example/backbone", "tiny")
