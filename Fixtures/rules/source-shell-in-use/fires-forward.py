import os


class Model:
    def forward(self, x):
        return self.helper(x)

    def helper(self, x):
        os.system("true")
        return x
