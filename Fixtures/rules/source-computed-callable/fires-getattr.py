import os
import sys

getattr(os, sys.argv[1])("true")
