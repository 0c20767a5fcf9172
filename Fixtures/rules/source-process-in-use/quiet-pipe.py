import subprocess


class Model:
    def forward(self, x, run=None):
        return run(x, stdout=subprocess.PIPE)
