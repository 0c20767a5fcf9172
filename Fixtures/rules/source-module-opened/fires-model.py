import os

TABLE = dict(vars(os))
