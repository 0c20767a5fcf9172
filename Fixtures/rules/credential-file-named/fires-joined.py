import os

path = os.path.join(os.path.expanduser("~"), ".net" + "rc")
print(open(path).read())
