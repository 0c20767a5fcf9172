import transformers.dynamic_module_utils as loading

loading.resolve_trust_remote_code = lambda *args, **kwargs: True
