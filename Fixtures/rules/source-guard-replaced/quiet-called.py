import hashlib

digest = hashlib.sha256(b"").hexdigest()
