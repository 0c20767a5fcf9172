import os


class Engine:
    def __init__(self):
        self.run = os.system


engine = Engine()
