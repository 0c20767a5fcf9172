import os

BINARY = getattr(os, "O_BINARY", 0)
