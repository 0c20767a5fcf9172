import ctypes

SIZE = ctypes.sizeof(ctypes.c_int)
