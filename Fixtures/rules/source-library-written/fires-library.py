import transformers

with open(transformers.__file__, "a") as file:
    file.write("# more")
