import socket

name = socket.gethostname()
print(name)
