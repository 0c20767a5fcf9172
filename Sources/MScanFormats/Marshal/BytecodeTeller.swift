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

  let reader: MarshalReader
  let input: ArtifactInput
  let when: [String]
  /// A module runs at import, and its functions only when something calls them.
  let isModule: Bool
  let dialect: PythonDialect
  /// Instructions that no Python would have written.
  let faults: Int
  /// What names stand for, for each code object: a path, or nil for what the code defines itself.
  var bindings: [[String: String?]]
  var isReached: [Bool]

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

  func noteFaults(into sink: inout FactBuffer) {
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
  mutating func reach() {
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

  func isClassBody(_ index: Int) -> Bool {
    reader.codes[index].names.contains("__module__") && reader.codes[index].names.contains("__qualname__")
  }

  func namesUsed(by index: Int) -> [String] {
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

  mutating func step(
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
  mutating func arrange(
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

  mutating func drop(
    _ count: Int, _ frame: inout BytecodeFrame, _ result: Value, into sink: inout FactBuffer
  ) {
    for _ in 0..<min(count, frame.stack.count) { use(frame.pop(), frame, into: &sink) }
    frame.push(result)
  }

  func loadConstant(_ index: Int, _ frame: inout BytecodeFrame) {
    guard frame.code.constants.indices.contains(index) else { return frame.push(.unknown) }
    let value = frame.code.constants[index]
    if case .code(let code) = reader.values[value] { return frame.push(.code(code)) }
    if let text = render(value) { frame.note(text) }
    frame.push(.constant(value))
  }

  func loadGlobal(_ instruction: PythonInstruction, _ frame: inout BytecodeFrame) {
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

  mutating func attribute(
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

  mutating func importing(
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

  mutating func subscripting(
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

  mutating func call(
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

  mutating func finish(
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
}
