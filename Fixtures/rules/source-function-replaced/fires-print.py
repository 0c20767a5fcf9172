import builtins

builtins.print = lambda *names: None
