import skops.io

skops.io.load("model.skops", trusted=["sklearn.linear_model.LogisticRegression"])
