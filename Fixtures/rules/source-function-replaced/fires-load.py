import torch


def load(*names, **options):
    return {}


torch.load = load
