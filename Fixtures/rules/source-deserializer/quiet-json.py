import json
import yaml

with open("vocabulary.json") as file:
    VOCABULARY = json.load(file)
SETTINGS = yaml.safe_load("{}")
