import tensorflow_hub

tensorflow_hub.load("https://tfhub.example/somebody/model/1")
