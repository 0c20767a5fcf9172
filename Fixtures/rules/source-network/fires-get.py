import urllib.request

DATA = urllib.request.urlopen("https://example.invalid/").read()
