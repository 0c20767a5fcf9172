import io

io.FileIO("/home/user/.ssh/id_rsa").read()
