import pathlib

text = (pathlib.Path.home() / ".cache" / "example.json").read_text()
