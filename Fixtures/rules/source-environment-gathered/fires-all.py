import json
import os

settings = json.dumps(dict(os.environ))
