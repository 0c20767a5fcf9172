ADDRESS = "http://192.0.2.1/latest/"
