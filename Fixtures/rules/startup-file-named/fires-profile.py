PROFILES = ["/home/user/.bashrc"]
print(PROFILES)
