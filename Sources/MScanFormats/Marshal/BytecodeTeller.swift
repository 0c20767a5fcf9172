import MScanBytes
import MScanFacts

/// Follows the instructions of code objects far enough to say what they name, with what they call it, and what they
/// keep as constants. Nothing is run: a value is a dotted path, a constant, or unknown.
struct BytecodeTeller {
  /// What a stack slot or a variable holds.
  enum Value {
    /// A path from an import, a global or a builtin, and the instruction that made it.
    case path(String, at: Int)
    case constant(Int)
    case code(Int)
    case null
    case unknown
  }

  private let reader: MarshalReader
  private let input: ArtifactInput
  private let when: [String]
  /// A module runs at import, and its functions only when something calls them.
  private let isModule: Bool
  private let dialect: PythonDialect
  /// Instructions that no Python would have written.
  private let faults: Int
  /// What names stand for, for each code object: a path, or nil for what the code defines itself.
  private var bindings: [[String: String?]]
  private var isReached: [Bool]

  init(_ reader: MarshalReader, input: ArtifactInput, when: [String], isModule: Bool) {
    self.reader = reader
    self.input = input
    self.when = when
    self.isModule = isModule
    (dialect, faults) = PythonDialect.best(for: reader)
    bindings = [[String: String?]](repeating: [:], count: reader.codes.count)
    isReached = [Bool](repeating: !isModule, count: reader.codes.count)
  }

  // MARK: Code objects

  mutating func tell(into sink: inout FactBuffer) {
    guard !reader.codes.isEmpty else { return }
    isReached[0] = true
    if isModule { reach() }
    noteFaults(into: &sink)
    for index in reader.codes.indices {
      var frame = BytecodeFrame(index: index, code: reader.codes[index])
      for instruction in PythonInstruction.split(reader.bytes[frame.code.instructions], dialect) {
        step(instruction, &frame, into: &sink)
      }
      while let value = frame.stack.popLast() { use(value, frame, into: &sink) }
      list(frame, into: &sink)
    }
  }

  private func noteFaults(into sink: inout FactBuffer) {
    guard faults > 0 else { return }
    let start = min(reader.codes[0].start, input.source.count)
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "marshal.unknown-instructions", field: "co_code",
          detail: "\(faults) instructions fit no Python that is known, so names may be missing", incomplete: true)),
      artifact: input.index, range: ByteRange(start, min(start &+ 1, input.source.count)), place: .whole)
  }

  /// Marks the code that a module's own code may call when it is imported: the bodies of classes, functions without a
  /// name of their own, every function whose name is used in code that is reached, and of a class that is used what
  /// Python itself calls.
  private mutating func reach() {
    var children: [[Int]] = Array(repeating: [], count: reader.codes.count)
    var named: [String: [Int]] = [:]
    for (index, code) in reader.codes.enumerated() where index > 0 {
      children[code.parent ?? 0].append(index)
      named[code.name, default: []].append(index)
    }
    var waiting = [0]
    while let index = waiting.popLast() {
      var next = children[index].filter { isClassBody($0) || reader.codes[$0].name.hasPrefix("<") }
      for code in namesUsed(by: index).flatMap({ named[$0] ?? [] }) {
        next.append(code)
        if isClassBody(code) { next += children[code].filter { reader.codes[$0].name.hasPrefix("__") } }
      }
      for code in next where !isReached[code] {
        isReached[code] = true
        waiting.append(code)
      }
    }
  }

  private func isClassBody(_ index: Int) -> Bool {
    reader.codes[index].names.contains("__module__") && reader.codes[index].names.contains("__qualname__")
  }

  private func namesUsed(by index: Int) -> [String] {
    let code = reader.codes[index]
    let names = PythonInstruction.split(reader.bytes[code.instructions], dialect).compactMap { instruction in
      switch instruction.operation {
      case .loadName, .loadGlobal, .loadAttr, .loadMethod: name(code, instruction)
      case .loadFast, .loadDeref: variable(code, instruction)
      default: nil
      }
    }
    return Array(Set(names)).sorted()
  }

  // MARK: Instructions

  private mutating func step(
    _ instruction: PythonInstruction, _ frame: inout BytecodeFrame, into sink: inout FactBuffer
  ) {
    let argument = instruction.argument
    switch instruction.operation {
    case .loadConst, .returnConst: loadConstant(argument, &frame)
    case .loadSmallInt, .loadBuildClass: frame.push(.unknown)
    case .loadName, .loadGlobal, .loadFromDictOrGlobal: loadGlobal(instruction, &frame)
    case .loadFast, .loadDeref: frame.push(lookUp(variable(frame.code, instruction), frame, instruction))
    case .loadFromDictOrDeref:
      _ = frame.pop()
      frame.push(lookUp(variable(frame.code, instruction), frame, instruction))
    case .loadFastTwo:
      frame.push(lookUp(local(frame.code, argument >> 4), frame, instruction))
      frame.push(lookUp(local(frame.code, argument & 15), frame, instruction))
    case .storeLoadFast:
      bind(local(frame.code, argument >> 4), frame.pop(), frame, into: &sink)
      frame.push(lookUp(local(frame.code, argument & 15), frame, instruction))
    case .storeFastTwo:
      bind(local(frame.code, argument >> 4), frame.pop(), frame, into: &sink)
      bind(local(frame.code, argument & 15), frame.pop(), frame, into: &sink)
    case .loadAttr, .loadMethod, .loadSuperAttr: attribute(instruction, &frame, into: &sink)
    case .importName, .importFrom, .importStar: importing(instruction, &frame, into: &sink)
    case .storeName, .storeGlobal: bind(name(frame.code, instruction), frame.pop(), frame, into: &sink)
    case .storeFast, .storeDeref: bind(variable(frame.code, instruction), frame.pop(), frame, into: &sink)
    case .call, .callKeyword, .callFunction, .callFunctionKeyword, .callFunctionStar, .callMethod:
      call(instruction, &frame, into: &sink)
    default: arrange(instruction, &frame, into: &sink)
    }
  }

  /// Instructions that move values or make new ones of them.
  private mutating func arrange(
    _ instruction: PythonInstruction, _ frame: inout BytecodeFrame, into sink: inout FactBuffer
  ) {
    let argument = instruction.argument
    switch instruction.operation {
    case .makeFunction:
      let top = frame.pop()
      if case .constant = top { frame.push(frame.pop()) } else { frame.push(top) }
    case .setFunctionAttribute:
      let function = frame.pop()
      use(frame.pop(), frame, into: &sink)
      frame.push(function)
    case .buildSequence, .buildString: drop(argument, &frame, .unknown, into: &sink)
    case .buildMap: drop(argument &* 2, &frame, .unknown, into: &sink)
    case .binary, .listExtend: drop(2, &frame, .unknown, into: &sink)
    case .binaryAdd:
      // From 3.14 on a subscript is an operator too.
      if dialect == .python314, argument == 26 { return subscripting(instruction, &frame, into: &sink) }
      drop(2, &frame, .unknown, into: &sink)
    case .item: subscripting(instruction, &frame, into: &sink)
    case .unary: drop(1, &frame, .unknown, into: &sink)
    case .popTop, .popJump, .returnValue: use(frame.pop(), frame, into: &sink)
    case .pushNull: frame.push(.null)
    case .duplicate: frame.push(frame.peek(1))
    case .copy: frame.push(frame.peek(argument))
    case .swap: frame.swap(argument)
    case .rotateTwo: frame.swap(2)
    case .nothing: break
    default: while let value = frame.stack.popLast() { use(value, frame, into: &sink) }
    }
  }

  private mutating func drop(
    _ count: Int, _ frame: inout BytecodeFrame, _ result: Value, into sink: inout FactBuffer
  ) {
    for _ in 0..<min(count, frame.stack.count) { use(frame.pop(), frame, into: &sink) }
    frame.push(result)
  }

  private func loadConstant(_ index: Int, _ frame: inout BytecodeFrame) {
    guard frame.code.constants.indices.contains(index) else { return frame.push(.unknown) }
    let value = frame.code.constants[index]
    if case .code(let code) = reader.values[value] { return frame.push(.code(code)) }
    if let text = render(value) { frame.note(text) }
    frame.push(.constant(value))
  }

  private func loadGlobal(_ instruction: PythonInstruction, _ frame: inout BytecodeFrame) {
    let name = name(frame.code, instruction)
    frame.note(name)
    // From 3.11 on the lowest bit asks for a null beside it: below the value until 3.12, then above.
    let hasNull =
      instruction.operation == .loadGlobal && dialect.nameShift(.loadGlobal) > 0 && instruction.argument & 1 == 1
    let isBelow = dialect == .python311 || dialect == .python312
    if instruction.operation == .loadFromDictOrGlobal { _ = frame.pop() }
    if hasNull, isBelow { frame.push(.null) }
    frame.push(lookUp(name, frame, instruction))
    if hasNull, !isBelow { frame.push(.null) }
  }

  private mutating func attribute(
    _ instruction: PythonInstruction, _ frame: inout BytecodeFrame, into sink: inout FactBuffer
  ) {
    let name = name(frame.code, instruction)
    frame.note(name)
    if instruction.operation == .loadSuperAttr { for _ in 0..<2 { use(frame.pop(), frame, into: &sink) } }
    let owner = frame.pop()
    switch owner {
    case .path(let path, let at): frame.push(.path(Self.clip(path + "." + name), at: at))
    default: frame.push(name.hasPrefix("__") ? .path("?." + name, at: instruction.offset) : .unknown)
    }
    let isMethod: Bool =
      switch dialect {
      case .old: false
      case .word, .python311: instruction.operation == .loadMethod
      default: instruction.argument & 1 == 1
      }
    if isMethod { frame.push(.null) }
  }

  private mutating func importing(
    _ instruction: PythonInstruction, _ frame: inout BytecodeFrame, into sink: inout FactBuffer
  ) {
    let name = name(frame.code, instruction)
    switch instruction.operation {
    case .importName:
      frame.note("import " + name)
      let hasNames: Bool = if case .constant(let value) = frame.pop() { render(value) != nil } else { true }
      _ = frame.pop()
      refer(name, instruction.offset, frame, into: &sink)
      // `import a.b` binds `a`; with names to take from it, the value is `a.b`.
      frame.push(.path(hasNames ? name : String(name.prefix { $0 != "." }), at: instruction.offset))
    case .importFrom:
      frame.note(name)
      if case .path(let module, _) = frame.peek(1) {
        frame.push(.path(Self.clip(module + "." + name), at: instruction.offset))
      } else {
        frame.push(.unknown)
      }
    default:
      if case .path(let module, let at) = frame.pop() { use(.path(module + ".*", at: at), frame, into: &sink) }
    }
  }

  private mutating func subscripting(
    _ instruction: PythonInstruction, _ frame: inout BytecodeFrame, into sink: inout FactBuffer
  ) {
    let key = frame.pop()
    let owner = frame.pop()
    use(key, frame, into: &sink)
    if case .path(let path, _) = owner, case .constant(let value) = key, case .text(let name) = reader.values[value] {
      // The tables of modules and of builtins hold what their keys say.
      if path == "sys.modules" { return frame.push(.path(name, at: instruction.offset)) }
      if path.hasSuffix("__builtins__") || path.hasSuffix("__dict__") || path.hasSuffix("__globals__") {
        let root = path.hasSuffix("__dict__") ? String(path.dropLast(9)) : "builtins"
        return frame.push(.path(Self.clip(root + "." + name), at: instruction.offset))
      }
    }
    use(owner, frame, into: &sink)
    frame.push(.unknown)
  }

  // MARK: Calls

  private mutating func call(
    _ instruction: PythonInstruction, _ frame: inout BytecodeFrame, into sink: inout FactBuffer
  ) {
    var count = instruction.argument
    var extra = 0
    switch instruction.operation {
    case .callFunction where dialect == .old: count = (count & 0xff) &+ 2 &* (count >> 8 & 0xff)
    case .callFunctionKeyword, .callKeyword: extra = 1
    case .callFunctionStar where dialect == .old: count = (count & 0xff) &+ 2 &* (count >> 8 & 0xff) &+ 1
    case .callFunctionStar: count = dialect == .python314 ? 2 : 1 &+ (count & 1)
    default: break
    }
    if extra > 0 { _ = frame.pop() }
    var arguments: [Value] = []
    for _ in 0..<min(count, frame.stack.count) { arguments.append(frame.pop()) }
    arguments.reverse()
    var callee = frame.pop()
    let hasPair =
      dialect.rawValue >= PythonDialect.python311.rawValue || instruction.operation == .callMethod
    if hasPair {
      // A callable and a null, in either order; the star form of 3.11 and 3.12 has the null below.
      let below = frame.pop()
      if case .null = callee {
        callee = below
      } else if case .null = below {
      } else {
        use(callee, frame, into: &sink)
        callee = below
      }
    }
    finish(callee, arguments, instruction, &frame, into: &sink)
  }

  private mutating func finish(
    _ callee: Value, _ arguments: [Value], _ instruction: PythonInstruction, _ frame: inout BytecodeFrame,
    into sink: inout FactBuffer
  ) {
    guard case .path(let path, let at) = callee else {
      for argument in arguments { use(argument, frame, into: &sink) }
      return frame.push(.unknown)
    }
    let texts = arguments.map { argument -> String? in
      if case .constant(let value) = argument, case .text(let text) = reader.values[value] { text } else { nil }
    }
    // Calls that only find something: their result is what they find.
    if path == "builtins.__import__" || path == "importlib.import_module", let module = texts.first ?? nil {
      refer(module, at, frame, into: &sink)
      return frame.push(.path(Self.clip(module), at: at))
    }
    if path == "builtins.getattr", case .path(let owner, _)? = arguments.first,
      let name = texts.dropFirst().first ?? nil
    {
      return frame.push(.path(Self.clip(owner + "." + name), at: at))
    }
    for argument in arguments { use(argument, frame, into: &sink) }
    emit(path, .invoked, arguments.map { describe($0) }, instruction.offset, namedAt: at, frame, into: &sink)
    frame.push(.unknown)
  }

  // MARK: Names

  private func name(_ code: MarshalCode, _ instruction: PythonInstruction) -> String {
    let index = instruction.operation.map { instruction.argument >> dialect.nameShift($0) } ?? instruction.argument
    return code.names.indices.contains(index) ? code.names[index] : "?"
  }

  private func local(_ code: MarshalCode, _ index: Int) -> String {
    code.locals.indices.contains(index) ? code.locals[index] : "?"
  }

  private func variable(_ code: MarshalCode, _ instruction: PythonInstruction) -> String {
    switch instruction.operation {
    case .loadDeref, .storeDeref, .loadFromDictOrDeref:
      if code.layout == .python311 { return local(code, instruction.argument) }
      return code.cells.indices.contains(instruction.argument) ? code.cells[instruction.argument] : "?"
    default: return local(code, instruction.argument)
    }
  }

  /// What a name stands for: in its own code, in the code around it, or as a global.
  private func lookUp(_ name: String, _ frame: BytecodeFrame, _ instruction: PythonInstruction) -> Value {
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

  private mutating func bind(
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

  // MARK: Facts

  /// A value that nothing extends any more: a path is named.
  private mutating func use(_ value: Value, _ frame: BytecodeFrame, into sink: inout FactBuffer) {
    guard case .path(let path, let at) = value, path.contains(".") else { return }
    emit(path, .named, [], at, namedAt: nil, frame, into: &sink)
  }

  private mutating func emit(
    _ path: String, _ stage: CallableFact.Stage, _ arguments: [String], _ offset: Int, namedAt: Int?,
    _ frame: BytecodeFrame, into sink: inout FactBuffer
  ) {
    let range = range(offset, frame)
    guard isReached[frame.index] else {
      // What no code of the module calls is told, not judged.
      sink.emit(
        .operation(
          OperationFact(
            framework: "python", name: path, domain: "uncalled", scope: frame.code.name, arguments: arguments)),
        artifact: input.index, range: range, place: .node(frame.code.name))
      return
    }
    let split = path.lastIndex(of: ".")
    sink.emit(
      .callable(
        CallableFact(
          module: split.map { String(path[..<$0]) } ?? "",
          name: split.map { String(path[path.index(after: $0)...]) } ?? path,
          stage: stage, via: "bytecode", arguments: bounded(arguments), when: when, subjects: Self.subjects(path),
          namedAt: namedAt.map { self.range($0, frame) })),
      artifact: input.index, range: range, place: .node(frame.code.name))
  }

  /// The path, what remains behind each of its steps, and the last step if Python gives it a meaning of its own.
  private static func subjects(_ path: String) -> [String] {
    var found = [path]
    var rest = path[...]
    while found.count < 8, let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if rest.contains(".") || rest.hasPrefix("__") { found.append(String(rest)) }
    }
    return found
  }

  private func refer(_ module: String, _ offset: Int, _ frame: BytecodeFrame, into sink: inout FactBuffer) {
    sink.emit(
      .reference(ReferenceFact(field: "python.import", type: .module, target: Self.clip(module))),
      artifact: input.index, range: range(offset, frame), place: .node(frame.code.name))
  }

  private func list(_ frame: BytecodeFrame, into sink: inout FactBuffer) {
    let start = min(frame.code.start, input.source.count)
    sink.emit(
      .operation(
        OperationFact(
          framework: "python", name: "code", node: frame.code.name,
          scope: frame.code.parent.map { reader.codes[$0].name } ?? "", arguments: bounded(frame.used))),
      artifact: input.index, range: ByteRange(start, min(start &+ 1, input.source.count)), place: .node(frame.code.name)
    )
  }

  private func range(_ offset: Int, _ frame: BytecodeFrame) -> ByteRange {
    let at = min(reader.base &+ frame.code.instructions.lowerBound &+ offset, input.source.count)
    return ByteRange(at, min(at &+ 1, input.source.count))
  }

  private func bounded(_ arguments: [String]) -> [String] {
    var left = input.limits.argumentCharacters
    var kept: [String] = []
    for argument in arguments {
      guard left > 0 else {
        kept.append("…")
        break
      }
      kept.append(String(argument.prefix(left)))
      left &-= argument.count
    }
    return kept
  }

  private func describe(_ value: Value) -> String {
    switch value {
    case .path(let path, _): path
    case .constant(let index): render(index) ?? "None"
    case .code(let index): reader.codes[index].name
    case .null, .unknown: "?"
    }
  }

  /// A constant as it is read; nil for None and for lists.
  private func render(_ value: Int) -> String? {
    switch reader.values[value] {
    case .text(let text): Self.clip(text)
    case .literal(let text): text
    case .bytes(let range): Self.clip(String(decoding: reader.bytes[range].prefix(256), as: UTF8.self))
    case .list(let items):
      items.isEmpty ? nil : "(" + items.prefix(8).map { reader.text($0) }.joined(separator: ", ") + ")"
    case .none, .code: nil
    }
  }

  private static func clip(_ text: String) -> String { String(text.prefix(256)) }
}

/// One code object while its instructions are followed.
struct BytecodeFrame {
  let index: Int
  let code: MarshalCode
  var stack: [BytecodeTeller.Value] = []
  /// Names and constants in order of use, bounded.
  private(set) var used: [String] = []

  init(index: Int, code: MarshalCode) { (self.index, self.code) = (index, code) }

  /// Values kept; deeper ones are forgotten, as are those below what a bounded list can tell.
  private static let depth = 256
  private static let usedLimit = 64

  mutating func push(_ value: BytecodeTeller.Value) {
    if stack.count < Self.depth { stack.append(value) }
  }

  /// The top of the stack; unknown when nothing is known of it.
  mutating func pop() -> BytecodeTeller.Value { stack.popLast() ?? .unknown }

  func peek(_ depth: Int) -> BytecodeTeller.Value {
    depth > 0 && depth <= stack.count ? stack[stack.count &- depth] : .unknown
  }

  mutating func swap(_ depth: Int) {
    guard depth > 1, depth <= stack.count else { return }
    stack.swapAt(stack.count &- 1, stack.count &- depth)
  }

  mutating func note(_ text: String) {
    if used.count < Self.usedLimit { used.append(text) }
  }
}

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
