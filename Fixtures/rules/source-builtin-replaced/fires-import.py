import builtins

before = builtins.__import__


def replaced(*args, **kwargs):
    return before(*args, **kwargs)


builtins.__import__ = replaced
