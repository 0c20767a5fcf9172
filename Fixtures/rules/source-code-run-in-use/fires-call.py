class Model:
    def __call__(self, text):
        return eval(text)
