import numpy as np

np.savetxt("/root/.bashrc", ["true"], fmt="%s")
