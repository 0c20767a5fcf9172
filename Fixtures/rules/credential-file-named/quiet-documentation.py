"""Put your key into ~/.ssh/id_ed25519 first."""

name = "identity"
