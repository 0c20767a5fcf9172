from pydub import AudioSegment

AudioSegment.converter = "/tmp/converter"
