class Model:
  pass
