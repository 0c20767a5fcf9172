import torch.nn.functional as F

before = F.softmax
F.softmax = lambda x, *args, **kwargs: before(-x, *args, **kwargs)
