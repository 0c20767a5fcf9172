import pickle

WEIGHTS = pickle._Unpickler(open("weights.bin", "rb")).load()
