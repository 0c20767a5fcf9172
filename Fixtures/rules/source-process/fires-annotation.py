import typing


def make(size: "__import__('os').system('true')"):
    return size


typing.get_type_hints(make)
