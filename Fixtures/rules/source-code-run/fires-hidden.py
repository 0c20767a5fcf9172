getattr(__builtins__, "ex" + "ec")("pass")
(lambda f: f("1"))(eval)
