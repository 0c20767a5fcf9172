import os
import sys

from transformers.utils import cached_file

sys.path.insert(0, os.path.dirname(cached_file("somebody/x", "helpers.py")))
