import os

token = os.environ.get("HF_TOKEN")
