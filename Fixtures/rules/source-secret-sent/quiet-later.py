import os

import requests


def fetch(url):
    return requests.get(url, headers={"authorization": os.environ["SAMPLE_TOKEN"]})
