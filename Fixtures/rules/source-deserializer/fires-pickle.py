import pickle

with open("vocabulary.pkl", "rb") as file:
    VOCABULARY = pickle.load(file)
