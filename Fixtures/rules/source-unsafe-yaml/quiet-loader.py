import yaml

SETTINGS = yaml.load("{}", Loader=yaml.SafeLoader)
