import inspect
import os

import torch

open(inspect.getsourcefile(torch)).read()
open(os.path.join(os.path.dirname(torch.__file__), "version.py"), "r").close()
