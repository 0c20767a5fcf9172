import json
import os

json.load(open(os.path.expanduser("~/.kaggle/kaggle.json")))
