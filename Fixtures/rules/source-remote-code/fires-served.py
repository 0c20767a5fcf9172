from vllm import LLM

LLM("somebody/model", trust_remote_code=True)
