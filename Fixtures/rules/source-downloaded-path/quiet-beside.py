import os
import sys

from huggingface_hub import hf_hub_download

sys.path.insert(0, os.path.dirname(__file__))
weights = hf_hub_download("somebody/x", "model.safetensors")
