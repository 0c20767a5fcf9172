import time

START = time.perf_counter()
