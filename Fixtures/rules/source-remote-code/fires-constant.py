from transformers import AutoModel

TRUST = True
model = AutoModel.from_pretrained("org/name", trust_remote_code=TRUST)
