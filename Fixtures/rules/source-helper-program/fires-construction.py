import imageio_ffmpeg
from torch import nn


class Frames(nn.Module):
    def __init__(self, path="clip.mp4"):
        super().__init__()
        self.frames = list(imageio_ffmpeg.read_frames(path, output_params=["-f", "rawvideo"]))
