import os


class Table:
    def __getitem__(self, part):
        return part.start("true")


Table()[os.system:]
