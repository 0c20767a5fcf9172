from huggingface_hub import HfApi

HfApi().model_info("me/x")
