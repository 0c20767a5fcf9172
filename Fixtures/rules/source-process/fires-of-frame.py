try:
    raise ValueError
except ValueError as error:
    error.__traceback__.tb_frame.f_builtins["__import__"]("os").system("true")
