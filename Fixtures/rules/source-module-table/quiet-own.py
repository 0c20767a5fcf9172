import os


class Settings:
    def __init__(self, **given):
        self.__dict__.update(given)
        self.root = os.path.join("a", "b")


print(Settings(a=1).__dict__)
