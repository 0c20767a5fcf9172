KEYS = ["/home/user/.ssh/id_ed25519"]
print(KEYS)
