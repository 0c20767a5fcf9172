import math


def scale(value):
    return math.sqrt(value)
