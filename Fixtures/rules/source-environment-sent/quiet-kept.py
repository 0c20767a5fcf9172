import os

os.environ.setdefault("SAMPLE_SETTING", "1")
level = os.environ.get("SAMPLE_LEVEL", "info")
print(level)
