import requests


class Model:
    def download(self, url="https://example.invalid/"):
        return requests.get(url)
