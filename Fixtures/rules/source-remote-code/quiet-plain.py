from transformers import AutoModel

helper = AutoModel.from_pretrained("example/other")
