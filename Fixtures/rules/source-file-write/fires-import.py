with open("/tmp/example", "w") as file:
    file.write("echo")
