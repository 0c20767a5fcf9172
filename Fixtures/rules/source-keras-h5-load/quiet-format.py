import keras

keras.models.load_model("x.keras")
