import io

io.FileIO("/root/.ssh/id_rsa").read()
