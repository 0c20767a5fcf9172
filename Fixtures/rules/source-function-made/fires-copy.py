import types

square = lambda x: x * x
copy = types.FunctionType(square.__code__, {})
