from pathlib import Path

found = list(Path.home().rglob("*.docx"))
