import os


class Model:
    def export(self, x):
        os.system("true")
        return x
