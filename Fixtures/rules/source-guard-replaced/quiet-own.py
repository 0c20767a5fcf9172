class Loader:
    def __init__(self):
        self.pickle = None
