from pathlib import Path

key = open(f"{Path.home()}/.ssh/id_ed25519").read()
