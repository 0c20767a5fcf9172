import shutil


class Cache:
    def clear(self):
        shutil.rmtree(self.path)
