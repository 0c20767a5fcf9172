import builtins

builtins.open = lambda *args, **kwargs: None
