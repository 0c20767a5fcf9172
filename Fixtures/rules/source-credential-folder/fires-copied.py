import os
import shutil

shutil.copytree(os.path.expanduser("~/.ssh"), "copy")
