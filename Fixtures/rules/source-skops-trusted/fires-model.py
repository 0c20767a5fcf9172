import skops.io as sio

MODEL = sio.load("model.skops", trusted=sio.get_untrusted_types(file="model.skops"))
