import builtins

setattr(builtins, "print", lambda *a, **k: None)
