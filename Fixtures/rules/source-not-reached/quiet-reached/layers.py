import math


class Layer:
    scale = math.sqrt(2)
