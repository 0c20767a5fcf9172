/// Names that every module of Python has without an import.
enum PythonBuiltins {
  static let names: Set<String> = [
    "ArithmeticError", "BaseException", "Exception", "IOError", "OSError", "RuntimeError", "TypeError", "ValueError",
    "__build_class__", "__builtins__", "__import__", "abs", "aiter", "all", "anext", "any", "apply", "ascii", "bin",
    "bool", "breakpoint", "buffer", "bytearray", "bytes", "callable", "chr", "classmethod", "cmp", "coerce", "compile",
    "complex", "delattr", "dict", "dir", "divmod", "enumerate", "eval", "exec", "execfile", "exit", "file", "filter",
    "float", "format", "frozenset", "getattr", "globals", "hasattr", "hash", "help", "hex", "id", "input", "int",
    "intern", "isinstance", "issubclass", "iter", "len", "list", "locals", "long", "map", "max", "memoryview", "min",
    "next", "object", "oct", "open", "ord", "pow", "print", "property", "quit", "range", "raw_input", "reduce",
    "reload", "repr", "reversed", "round", "set", "setattr", "slice", "sorted", "staticmethod", "str", "sum", "super",
    "tuple", "type", "unichr", "unicode", "vars", "xrange", "zip",
  ]
}
