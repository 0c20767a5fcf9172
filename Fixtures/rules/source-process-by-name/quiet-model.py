import platform

NAME = platform.system()
