import keras

x = keras.models.load_model("x.keras")
