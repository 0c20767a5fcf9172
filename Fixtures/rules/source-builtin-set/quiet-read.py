import builtins


class Names:
    def __init__(self):
        setattr(self, "print", getattr(builtins, "print"))
