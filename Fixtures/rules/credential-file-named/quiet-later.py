def read():
    return open("/home/user/.netrc").read()
