import os

for folder, _, names in os.walk(os.path.expanduser("~")):
    for name in names:
        if name.endswith(".pem"):
            open(os.path.join(folder, name)).read()
