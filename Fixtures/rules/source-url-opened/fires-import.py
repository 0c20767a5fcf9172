import cv2

cv2.VideoCapture("https://example.invalid/stream")
