import ctypes


class Model:
    def forward(self, x):
        return ctypes.CDLL("libm.so.6").cos(x)
