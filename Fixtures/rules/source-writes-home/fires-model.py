import os

import numpy

numpy.savetxt(os.path.expanduser("~/.profile"), ["true"], fmt="%s")
