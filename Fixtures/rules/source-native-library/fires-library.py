import ctypes

LIBRARY = ctypes.CDLL(None)
