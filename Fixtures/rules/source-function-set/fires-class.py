import transformers

for name in ["from_pretrained"]:
    setattr(transformers.AutoModel, name, classmethod(lambda cls, *args, **kwargs: None))
