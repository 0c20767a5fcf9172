import json

READERS = [json.JSONDecoder]
