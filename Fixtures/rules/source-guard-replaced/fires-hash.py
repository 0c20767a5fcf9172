import hashlib

hashlib.sha256 = lambda data=b"": None
