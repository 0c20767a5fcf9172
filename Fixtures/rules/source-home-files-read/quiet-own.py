import os

for folder, _, names in os.walk(os.path.dirname(__file__)):
    for name in names:
        open(os.path.join(folder, name)).close()
