import yaml

with open("x.yaml") as file:
    data = yaml.load(file, Loader=yaml.Loader)
