import ctypes


def library(path):
    return ctypes.CDLL(path)
