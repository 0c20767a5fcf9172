HELP = "Put your key into ~/.ssh/id_ed25519 first."
print(HELP)
