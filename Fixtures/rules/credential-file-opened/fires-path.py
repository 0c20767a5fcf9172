import os

with open(os.path.expanduser("~/.aws/credentials")) as file:
    print(file.read())
