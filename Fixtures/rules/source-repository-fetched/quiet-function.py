from huggingface_hub import hf_hub_download


def fetch():
    return hf_hub_download("org/name", "weights.bin")
