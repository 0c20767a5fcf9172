import shutil

shutil.copy("a", "b")
