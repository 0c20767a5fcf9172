import pickle

READERS = [pickle.Unpickler]
