import subprocess as sp


class Handler:
    def __init__(self, path=""):
        self.prepare()

    def prepare(self):
        sp.run(["true"], check=True)
