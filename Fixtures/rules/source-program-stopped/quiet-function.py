import os


def stop(pid):
    os.kill(pid, 15)
