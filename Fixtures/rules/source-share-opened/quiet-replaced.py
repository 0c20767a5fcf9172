path = r"a\b"
open(path.replace("\\", "/"), "r") if path == "" else None
