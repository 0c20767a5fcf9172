import torch

MODEL = torch._inductor.aoti_load_package("model.pt2")
