from pathlib import Path

(Path.home() / ".bashrc").open("a").write("true\n")
