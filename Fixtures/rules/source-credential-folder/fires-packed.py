import tarfile

tarfile.open("/tmp/x.tar", "w").add("/root/.ssh")
