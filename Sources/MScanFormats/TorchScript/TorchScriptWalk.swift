import MScanBytes
import MScanFacts

/// What a TorchScript source calls. Its language is no Python: a value is a tensor, a number, a text or an object of the
/// archive, and everything else a program can reach are operators (`torch.…` for `aten`, `ops.<namespace>.…`), classes
/// and functions of the archive (`__torch__.…`) and the built-in functions.
///
/// Namespaces are no values, yet they may be given to a variable, stand in parentheses or be taken apart with `getattr`;
/// the walk follows that. Source: `torch/csrc/jit/serialization/import_source.cpp` and `frontend/ir_emitter.cpp`.
struct TorchScriptWalk {
  /// What an expression is known to be.
  private enum Value {
    case unknown
    /// A dotted name that starts with a namespace or a built-in function.
    case path([String])
    case text(String)
    /// A number, `True`, `None`.
    case word(String)
  }

  /// An open bracket.
  private struct Frame {
    /// What is called; nil for a bracket that groups.
    var callee: Value?
    var calleeStart: Int
    var calleePlace: Place
    var calleeEnd: Int
    /// Arguments as they are shown, and the first two as they are known.
    var shown: [String] = []
    var values: [Value] = []
    var hasText = false
    /// Nothing but one expression was seen since the bracket or the last comma.
    var isSole = true
    var isEmpty = true
    var keyword = ""
  }

  private let input: ArtifactInput
  private var lexer: TorchScriptLexer
  private var token: TorchScriptToken
  private var previous = TorchScriptToken(kind: .newline, start: 0, end: 0)
  private var lines = LineCounter()

  private var frames: [Frame] = []
  private var value = Value.unknown
  private var valueStart = 0
  private var valuePlace = Place.whole
  private var aliases: [String: Value] = [:]
  private var scope = ""
  /// Variable that the statement gives a value to, once known, and the number of words in the statement.
  private var target = ""
  private var assigned = false
  private var words = 0
  private var isDefinition = false
  private var flaw: Int?

  private static let steps = 32
  private static let aliasLimit = 1 << 16
  private static let keywords: Set<String> = [
    "and", "or", "not", "if", "else", "elif", "for", "in", "is", "while", "return", "pass", "break", "continue", "with",
    "as", "assert", "raise", "lambda", "from", "import", "global", "del",
  ]
  private static let constants: Set<String> = ["True", "False", "None", "inf", "nan", "infj", "nanj"]

  init(_ input: ArtifactInput, _ bytes: [UInt8]) {
    self.input = input
    lexer = TorchScriptLexer(bytes)
    token = lexer.next()
  }

  /// Walks the whole source. Returns the offset of the first byte that is no TorchScript, if there is one.
  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) -> Int? {
    while token.kind != .end {
      try step(into: &sink)
      previous = token
      token = lexer.next()
    }
    return flaw
  }

  private mutating func step(into sink: inout FactBuffer) throws(ParseFailure) {
    switch token.kind {
    case .newline: if frames.isEmpty { endStatement() }
    case .name: name(into: &sink)
    case .number: literal(.word(lexer.name(token)))
    case .text: literal(.text(lexer.contents(token)))
    case .symbol(let byte): try symbol(byte, into: &sink)
    case .invalid:
      if flaw == nil { flaw = token.start }
      literal(.unknown)
    case .end: break
    }
    if token.kind != .newline { words &+= 1 }
  }

  private mutating func endStatement() {
    if assigned, !target.isEmpty, aliases.count < Self.aliasLimit {
      if case .unknown = value { aliases[target] = nil } else { aliases[target] = value }
    }
    value = .unknown
    target = ""
    assigned = false
    isDefinition = false
    words = 0
  }

  // MARK: Values

  /// Whether the word before ends an expression, so that a bracket behind it calls or indexes.
  private var followsValue: Bool {
    switch previous.kind {
    case .name: !Self.keywords.contains(lexer.name(previous))
    case .text, .number: true
    case .symbol(let byte): byte == 0x29 || byte == 0x5d
    default: false
    }
  }

  private mutating func begin(_ new: Value) {
    if let top = frames.indices.last {
      if !frames[top].isEmpty { frames[top].isSole = false }
      frames[top].isEmpty = false
    }
    value = new
    valueStart = token.start
  }

  private mutating func literal(_ new: Value) {
    if case .text(let more) = new, case .text(let text) = value, previous.kind == .text {
      value = .text(text + more)
      return
    }
    begin(new)
  }

  private mutating func name(into sink: inout FactBuffer) {
    let text = lexer.name(token)
    if previous.kind == .symbol(0x2e) { return attribute(text, into: &sink) }
    if Self.keywords.contains(text) {
      operation()
      return
    }
    if previous.kind == .name, ["def", "class"].contains(lexer.name(previous)) {
      scope = text
      aliases.removeAll()
      isDefinition = true
      return begin(.unknown)
    }
    if frames.isEmpty, words == 0 { target = text }
    if Self.constants.contains(text) { return begin(.word(text)) }
    if let known = aliases[text] {
      begin(known)
    } else {
      begin(.path([text]))
    }
    place()
    if case .path = value { endPath(into: &sink) }
  }

  private mutating func place() {
    guard case .path = value else { return }
    let bytes = lexer.bytes
    let place = lines.place(of: token.start, in: bytes.span)
    valuePlace = .line(place.line, column: place.column, path: nil)
  }

  private mutating func attribute(_ text: String, into sink: inout FactBuffer) {
    guard case .path(var path) = value, isNamespace(path) else {
      value = .unknown
      return
    }
    if path.count < Self.steps { path.append(text) }
    value = .path(path)
    endPath(into: &sink)
  }

  private func isNamespace(_ path: [String]) -> Bool {
    ["torch", "ops", "__torch__", "CONSTANTS"].contains(path.first ?? "")
  }

  /// States a path that no step follows. One that is called is stated with its arguments, when they are known.
  private mutating func endPath(into sink: inout FactBuffer) {
    guard case .path(let path) = value, isNamespace(path) else { return }
    var ahead = lexer
    let next = ahead.next()
    if next.kind == .symbol(0x2e) || next.kind == .symbol(0x28) { return }
    // A namespace given to a variable or in brackets is followed from there.
    if !isWhole(path) {
      if assigned, frames.isEmpty, next.kind == .newline { return }
      if [.symbol(0x29), .symbol(0x2c), .symbol(0x5d), .symbol(0x7d)].contains(next.kind), !frames.isEmpty { return }
      return state(nil, start: valueStart, end: token.end, valuePlace, [], into: &sink)
    }
    state(path, start: valueStart, end: token.end, valuePlace, [], into: &sink)
  }

  /// Whether a path names more than a namespace.
  private func isWhole(_ path: [String]) -> Bool { path.count >= (path.first == "ops" ? 3 : 2) }

  /// Whether the innermost bracket holds the arguments of `getattr` or `hasattr`.
  private var isLookup: Bool {
    guard case .path(let path)? = frames.last?.callee else { return false }
    return path == ["getattr"] || path == ["hasattr"]
  }

  /// An operator: what stands before is no value of its own any more.
  private mutating func operation() {
    value = .unknown
    if let top = frames.indices.last { frames[top].isSole = false }
  }

  // MARK: Brackets

  private mutating func symbol(_ byte: UInt8, into sink: inout FactBuffer) throws(ParseFailure) {
    switch byte {
    case 0x28, 0x5b, 0x7b:
      guard frames.count < input.limits.nesting else { throw ParseFailure(.limitExceeded, "nesting", at: token.start) }
      let isCall = byte == 0x28 && followsValue && !(isDefinition && frames.isEmpty)
      if !isCall, !followsValue { begin(.unknown) }
      frames.append(
        Frame(
          callee: isCall ? value : nil, calleeStart: valueStart, calleePlace: valuePlace, calleeEnd: previous.end))
      value = .unknown
    case 0x29, 0x5d, 0x7d: close(byte, into: &sink)
    case 0x2c: endArgument(into: &sink)
    case 0x2e: break
    case 0x3d where frames.isEmpty:
      if words > 0, previous.kind == .name || previous.kind == .symbol(0x5d) || previous.kind == .symbol(0x29) {
        assigned = !assigned && !target.isEmpty
      }
      value = .unknown
    case 0x3d: keyword()
    case 0x3a where frames.isEmpty: value = .unknown
    default:
      if frames.isEmpty, words == 1 { target = "" }
      operation()
    }
  }

  private mutating func keyword() {
    guard let top = frames.indices.last, frames[top].callee != nil, previous.kind == .name else { return operation() }
    frames[top].keyword = lexer.name(previous) + "="
    frames[top].isSole = true
    frames[top].isEmpty = true
    value = .unknown
  }

  private mutating func endArgument(isGroupEnd: Bool = false, into sink: inout FactBuffer) {
    defer { value = .unknown }
    guard let top = frames.indices.last else {
      if words == 1 { target = "" }
      return
    }
    if case .path(let path) = value, isNamespace(path), !isWhole(path), !isGroupEnd, !isLookup {
      state(nil, start: valueStart, end: previous.end, valuePlace, [], into: &sink)
    }
    defer {
      frames[top].isSole = true
      frames[top].isEmpty = true
      frames[top].keyword = ""
    }
    guard frames[top].callee != nil, !frames[top].isEmpty, frames[top].shown.count < 16 else { return }
    let known = frames[top].isSole ? value : .unknown
    var shown = "…"
    switch known {
    case .unknown: break
    case .text(let text):
      shown = text
      frames[top].hasText = true
    case .word(let word): shown = word
    case .path(let path):
      if path.first == "CONSTANTS" { frames[top].hasText = true }
      if isNamespace(path) { shown = path.joined(separator: ".") }
    }
    frames[top].shown.append(frames[top].keyword + String(shown.prefix(input.limits.argumentCharacters)))
    if frames[top].values.count < 2 { frames[top].values.append(known) }
  }

  private mutating func close(_ byte: UInt8, into sink: inout FactBuffer) {
    let inner = value
    let wasSole = frames.last.map { $0.isSole && !$0.isEmpty } ?? false
    endArgument(isGroupEnd: byte == 0x29 && wasSole && frames.last?.callee == nil, into: &sink)
    guard let frame = frames.popLast() else { return }
    guard let callee = frame.callee else {
      // `(torch).save` names what `torch.save` names; a subscript or a list is nothing that is followed.
      value = byte == 0x29 && wasSole ? inner : .unknown
      if case .unknown = value, let top = frames.indices.last { frames[top].isEmpty = false }
      return
    }
    valueStart = frame.calleeStart
    valuePlace = frame.calleePlace
    guard case .path(let path) = callee else { return }
    if path == ["getattr"] || path == ["hasattr"], case .path(let base)? = frame.values.first, isNamespace(base) {
      guard case .text(let step)? = frame.values.dropFirst().first else {
        return state(nil, start: frame.calleeStart, end: token.end, frame.calleePlace, [], into: &sink)
      }
      value = .path(base + [step])
      return endPath(into: &sink)
    }
    state(
      path, start: frame.calleeStart, end: frame.calleeEnd, frame.calleePlace, frame.hasText ? frame.shown : [],
      into: &sink)
  }

  // MARK: Facts

  /// The operator that a path names.
  ///
  /// `torch.save`, `torch.autograd.save` and `ops.aten.save` are `aten.save`: below every namespace `autograd` leads back
  /// to `aten`. `__torch__.torch.classes.x.Y` is a class that a native library registers.
  private func operation(of path: [String]) -> (domain: String, name: String)? {
    var rest = path.dropFirst()
    switch path.first {
    case "torch", "ops":
      var domain = "aten"
      if path[0] == "ops" {
        guard let namespace = rest.popFirst() else { return nil }
        domain = namespace
      }
      while rest.count > 1, rest.first == "autograd" {
        domain = "aten"
        rest = rest.dropFirst()
      }
      return rest.isEmpty ? nil : (domain, rest.joined(separator: "."))
    case "__torch__":
      if rest.starts(with: ["torch", "classes"]), rest.count >= 4 {
        let names = Array(rest.dropFirst(2))
        return ("classes." + names[0], names.dropFirst().joined(separator: "."))
      }
      return ("__torch__", rest.joined(separator: "."))
    default: return nil
    }
  }

  /// - Parameter path: nil for an operator that only the run computes.
  private mutating func state(
    _ path: [String]?, start: Int, end: Int, _ place: Place, _ arguments: [String], into sink: inout FactBuffer
  ) {
    var fact = OperationFact(framework: "torchscript", name: "?", scope: scope, arguments: arguments)
    if let path {
      if path.first == "CONSTANTS" { return }
      if let found = operation(of: path) {
        (fact.domain, fact.name) = found
      } else if !isNamespace(path), path.count == 1 {
        (fact.domain, fact.name) = ("builtin", path[0])
      }
    }
    fact.name = String(fact.name.prefix(300))
    sink.emit(
      .operation(fact), artifact: input.index, range: ByteRange(min(start, end), end), place: place)
  }
}
