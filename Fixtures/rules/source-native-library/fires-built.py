import cppyy
from triton.runtime.build import _build

_build("kernel", "kernel.c", "/tmp", [], [], [])
cppyy.load_library("./libx.so")
