import builtins

setattr(builtins, "print", lambda *args, **kwargs: None)
