import requests


class Model:
    def generate(self, url="https://example.invalid/"):
        return requests.get(url)
