import os

open(os.path.join(os.path.dirname(__file__), "api.openai.com.json"))
