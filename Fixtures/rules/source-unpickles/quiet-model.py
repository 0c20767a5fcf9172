import json

WEIGHTS = json.load(open("weights.json"))
