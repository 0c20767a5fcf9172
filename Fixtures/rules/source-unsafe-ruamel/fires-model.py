from ruamel.yaml import YAML

DATA = YAML(typ="unsafe").load("a: 1")
