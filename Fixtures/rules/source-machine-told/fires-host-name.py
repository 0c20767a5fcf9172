import socket

import requests

requests.get("https://example.invalid/" + socket.gethostname())
