import atexit
from os import popen as forward

atexit.register(forward, "true")
