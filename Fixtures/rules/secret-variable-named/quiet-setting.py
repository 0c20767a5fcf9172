import os

level = os.environ.get("SAMPLE_LEVEL")
