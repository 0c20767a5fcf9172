import zipfile

zipfile.ZipFile("x.zip").extractall("/")
