from huggingface_hub import HfApi

API = HfApi()
