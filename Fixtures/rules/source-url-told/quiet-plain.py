import os

import pandas as pd

pd.read_csv(os.path.join(os.getcwd(), "labels.csv"))
