from huggingface_hub import hf_hub_download


class Model:
    def __init__(self):
        self.path = hf_hub_download("org/name", "weights.bin")
