from transformers import AutoModel

helper = AutoModel.from_pretrained("example/other", trust_remote_code=True)
