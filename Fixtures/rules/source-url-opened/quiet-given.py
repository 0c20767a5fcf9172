from transformers.image_utils import load_image


class Processor:
    def __call__(self, image):
        """Takes "https://example.invalid/image.png" as well."""
        return load_image(image)
