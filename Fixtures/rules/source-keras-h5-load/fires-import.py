import tensorflow as tf

tf.keras.models.load_model("x.h5")
