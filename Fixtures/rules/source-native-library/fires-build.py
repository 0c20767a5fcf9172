from torch.utils.cpp_extension import load

kernels = load(name="kernels", sources=["kernels.cpp"])
