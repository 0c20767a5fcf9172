import os
import sys


class Here:
    pass


sys.modules[Here.__module__].os.system("true")
