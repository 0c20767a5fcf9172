from pathlib import Path

import pandas as pd

pd.read_csv(Path.home() / "labels.csv")
