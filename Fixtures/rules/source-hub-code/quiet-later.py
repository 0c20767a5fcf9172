import torch


def weights():
    return torch.hub.load_state_dict_from_url("https://example.invalid/x.pth")
