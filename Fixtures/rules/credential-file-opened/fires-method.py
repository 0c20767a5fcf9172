from pathlib import Path

key = (Path.home() / ".aws" / "credentials").read_text()
