from huggingface_hub import HfApi

HfApi().upload_file(path_or_fileobj="a", path_in_repo="a", repo_id="o/n")
