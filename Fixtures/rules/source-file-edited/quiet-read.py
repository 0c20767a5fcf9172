import fileinput

lines = list(fileinput.input("vocab.txt"))
