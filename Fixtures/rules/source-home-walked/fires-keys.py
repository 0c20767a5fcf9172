import os

for root, _, files in os.walk(os.path.expanduser("~")):
    print(root, files)
