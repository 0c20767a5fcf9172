import transformers


def forward(self, *args, **kwargs):
    return None


transformers.models.llama.modeling_llama.LlamaForCausalLM.forward = forward
