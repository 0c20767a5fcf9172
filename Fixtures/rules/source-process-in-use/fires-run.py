import subprocess


class Model:
    def __call__(self, x):
        return subprocess.run(["true", x], check=True)
