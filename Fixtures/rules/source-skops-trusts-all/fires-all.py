import skops.io

skops.io.load("model.skops", trusted=True)
