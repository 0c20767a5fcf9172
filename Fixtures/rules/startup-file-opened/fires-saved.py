import numpy as np

np.savetxt("/home/user/.bashrc", ["true"], fmt="%s")
