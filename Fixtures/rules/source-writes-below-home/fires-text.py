import pathlib

(pathlib.Path.home() / ".config" / "autostart" / "example.desktop").write_text("Exec=true")
