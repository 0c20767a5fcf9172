tokens = {"IMAGE_API_KEY_TOKEN": 1}
print(tokens["IMAGE_API_KEY_TOKEN"])
