from ruamel.yaml import YAML

DATA = YAML(typ="safe").load("a: 1")
