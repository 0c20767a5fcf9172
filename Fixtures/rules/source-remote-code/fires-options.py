from transformers import AutoModel

options = {"trust_remote_code": True}
model = AutoModel.from_pretrained("org/name", **options)
