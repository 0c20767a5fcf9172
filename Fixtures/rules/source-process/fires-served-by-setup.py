import os


class Predictor:
    def setup(self):
        os.system("true")

    def predict(self, prompt):
        return prompt
