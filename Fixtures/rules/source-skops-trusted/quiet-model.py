import skops.io as sio

MODEL = sio.load("model.skops", trusted=["sklearn.svm.SVC"])
