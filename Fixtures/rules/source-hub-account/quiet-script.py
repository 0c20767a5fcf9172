from huggingface_hub import delete_repo


def clean(name):
    delete_repo(name)
