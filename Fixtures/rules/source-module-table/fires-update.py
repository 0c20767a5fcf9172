import os

names = {}
names.update(os.__dict__)
names["sys" + "tem"]("true")
