import ctypes


class Model:
    def forward(self, x):
        return ctypes.c_double(x)
