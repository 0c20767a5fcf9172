import os

os.replace("x.txt", "/home/user/.profile")
