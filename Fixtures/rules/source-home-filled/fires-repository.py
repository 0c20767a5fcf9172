from huggingface_hub import snapshot_download

snapshot_download("somebody/x", local_dir="/root")
