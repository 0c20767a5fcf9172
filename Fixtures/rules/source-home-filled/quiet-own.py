import tempfile
import zipfile

zipfile.ZipFile("x.zip").extractall(tempfile.mkdtemp())
