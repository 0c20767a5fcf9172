import subprocess


def prepare(command):
    return subprocess.run([command], check=True)
