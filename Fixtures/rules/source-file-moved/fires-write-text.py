from pathlib import Path

Path("a").write_text("echo")
