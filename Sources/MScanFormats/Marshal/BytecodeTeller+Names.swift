import MScanBytes
import MScanFacts

/// What names stand for.
extension BytecodeTeller {
  func name(_ code: MarshalCode, _ instruction: PythonInstruction) -> String {
    let index = instruction.operation.map { instruction.argument >> dialect.nameShift($0) } ?? instruction.argument
    return code.names.indices.contains(index) ? code.names[index] : "?"
  }

  func local(_ code: MarshalCode, _ index: Int) -> String {
    code.locals.indices.contains(index) ? code.locals[index] : "?"
  }

  func variable(_ code: MarshalCode, _ instruction: PythonInstruction) -> String {
    switch instruction.operation {
    case .loadDeref, .storeDeref, .loadFromDictOrDeref:
      if code.layout == .python311 { return local(code, instruction.argument) }
      return code.cells.indices.contains(instruction.argument) ? code.cells[instruction.argument] : "?"
    default: return local(code, instruction.argument)
    }
  }

  /// What a name stands for: in its own code, in the code around it, or as a global.
  func lookUp(_ name: String, _ frame: BytecodeFrame, _ instruction: PythonInstruction) -> Value {
    var at: Int? = frame.index
    while let index = at {
      if let known = bindings[index][name] {
        return known.map { .path($0, at: instruction.offset) } ?? .unknown
      }
      at = reader.codes[index].parent
    }
    switch instruction.operation {
    case .loadName, .loadGlobal, .loadFromDictOrGlobal:
      return .path(PythonBuiltins.names.contains(name) ? "builtins." + name : name, at: instruction.offset)
    default: return .unknown
    }
  }

  mutating func bind(
    _ name: String, _ value: Value, _ frame: BytecodeFrame, into sink: inout FactBuffer
  ) {
    switch value {
    case .path(let path, _):
      // A second, different meaning makes the name unknown rather than wrong; what it meant is still named.
      bindings[frame.index][name] = path
      if path.contains(".") { use(value, frame, into: &sink) }
    default:
      use(value, frame, into: &sink)
      bindings[frame.index][name] = .some(nil)
    }
  }
}
