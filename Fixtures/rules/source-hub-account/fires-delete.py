from huggingface_hub import delete_repo

delete_repo("me/x")
