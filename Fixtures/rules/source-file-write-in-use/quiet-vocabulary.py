import os


class Tokenizer:
    def save_vocabulary(self, folder):
        with open(os.path.join(folder, "vocab.txt"), "w") as file:
            file.write("")
