import os


def pick(name):
    return getattr(os, name)


pick("sys" + "tem")
