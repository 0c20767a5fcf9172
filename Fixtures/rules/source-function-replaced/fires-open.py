import builtins

builtins.open = lambda *names: None
