import os

from transformers.image_utils import load_image

load_image(os.path.join(os.environ.get("DATA_DIR", "."), "image.png"))
