import sys

sys.modules[__name__].__class__ = type(sys)
sys.modules["example.layers"] = sys.modules[__name__]
