import requests


def load_image(url):
    return requests.get(url, timeout=10).content
