from pydub import AudioSegment


class Processor:
    def __call__(self, path):
        return AudioSegment.from_file(path).get_array_of_samples()
