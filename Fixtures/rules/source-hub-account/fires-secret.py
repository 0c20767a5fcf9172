from huggingface_hub import HfApi

HfApi().add_space_secret("me/x", "NAME", "value")
