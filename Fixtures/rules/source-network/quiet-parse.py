from urllib.parse import urlparse

HOST = urlparse("https://example.invalid/").netloc
