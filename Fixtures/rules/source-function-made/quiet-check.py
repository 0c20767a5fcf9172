import types


def is_function(value):
    return isinstance(value, types.FunctionType)


KNOWN = is_function(len)
