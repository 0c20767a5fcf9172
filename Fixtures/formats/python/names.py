# Identifiers in compatibility forms are the plain ones to Python.
import ｏｓ
ｏｓ.𝘴𝘺𝘴𝘵𝘦𝘮("true")
