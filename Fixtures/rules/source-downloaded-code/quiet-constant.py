import requests


def fetch():
    return requests.get("https://example.invalid/").text


exec("x = 1")
