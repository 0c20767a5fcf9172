def describe(os):
    return os.system("true")


describe(None)
