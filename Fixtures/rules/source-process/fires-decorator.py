import os


def register(function):
    os.system("true")
    return function


@register
def helper():
    return None
