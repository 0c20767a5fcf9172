import sys

sys.modules["o" + chr(115)].system("true")


class Proxy:
    def __getattr__(self, name):
        return lookup(name)


Proxy().getoutput("true")
