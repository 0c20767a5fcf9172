import cv2
import pandas as pd

pd.read_csv("labels.csv")


class Processor:
    def __call__(self, path):
        return cv2.VideoCapture(path)
