import sympy

sympy.sympify("x + 1")
