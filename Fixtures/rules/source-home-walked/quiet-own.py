import os

for root, _, files in os.walk(os.path.dirname(__file__)):
    print(root, files)
