import torch

torch.nn.init.kaiming_uniform_ = lambda *args, **kwargs: None
