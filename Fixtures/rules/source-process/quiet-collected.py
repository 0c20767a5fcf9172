import psutil

print(psutil.virtual_memory().available)
