def keyboard():
    return None


keyboard()
