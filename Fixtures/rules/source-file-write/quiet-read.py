with open("example.txt") as file:
    text = file.read()
