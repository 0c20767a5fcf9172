open = lambda path: path
open("x")
