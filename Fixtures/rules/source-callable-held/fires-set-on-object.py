import os


class Tool:
    def __init__(self):
        vars(self)["run"] = os.system


Tool().run("true")
