import os

os.environ.update(OMP_NUM_THREADS="1")
