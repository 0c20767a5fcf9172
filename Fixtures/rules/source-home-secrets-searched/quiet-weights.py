from pathlib import Path

found = list(Path(__file__).parent.rglob("*.pem"))
