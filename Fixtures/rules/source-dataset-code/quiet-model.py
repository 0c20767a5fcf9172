from datasets import load_dataset

DATA = load_dataset("org/name", trust_remote_code=False)
