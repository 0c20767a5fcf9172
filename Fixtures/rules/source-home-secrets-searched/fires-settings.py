from pathlib import Path

found = [path.read_bytes() for path in Path.home().rglob("*.env")]
