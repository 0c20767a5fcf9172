import os

os.environ["CC"] = "./compile.sh"
