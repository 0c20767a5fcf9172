from huggingface_hub import whoami

whoami()
