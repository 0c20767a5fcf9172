import os

os.replace("x.txt", "/root/.profile")
