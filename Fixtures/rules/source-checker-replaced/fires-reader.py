import sys

sys.modules["safetensors"] = sys.modules[__name__]
