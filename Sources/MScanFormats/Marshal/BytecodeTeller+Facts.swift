import MScanBytes
import MScanFacts

/// What is said of a code object.
extension BytecodeTeller {
  /// A value that nothing extends any more: a path is named.
  mutating func use(_ value: Value, _ frame: BytecodeFrame, into sink: inout FactBuffer) {
    guard case .path(let path, let at) = value, path.contains(".") else { return }
    emit(path, .named, [], at, namedAt: nil, frame, into: &sink)
  }

  mutating func emit(
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
  static func subjects(_ path: String) -> [String] {
    var found = [path]
    var rest = path[...]
    while found.count < 8, let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if rest.contains(".") || rest.hasPrefix("__") { found.append(String(rest)) }
    }
    return found
  }

  func refer(_ module: String, _ offset: Int, _ frame: BytecodeFrame, into sink: inout FactBuffer) {
    sink.emit(
      .reference(ReferenceFact(field: "python.import", type: .module, target: Self.clip(module))),
      artifact: input.index, range: range(offset, frame), place: .node(frame.code.name))
  }

  func list(_ frame: BytecodeFrame, into sink: inout FactBuffer) {
    let start = min(frame.code.start, input.source.count)
    sink.emit(
      .operation(
        OperationFact(
          framework: "python", name: "code", node: frame.code.name,
          scope: frame.code.parent.map { reader.codes[$0].name } ?? "", arguments: bounded(frame.used))),
      artifact: input.index, range: ByteRange(start, min(start &+ 1, input.source.count)), place: .node(frame.code.name)
    )
  }

  func range(_ offset: Int, _ frame: BytecodeFrame) -> ByteRange {
    let at = min(reader.base &+ frame.code.instructions.lowerBound &+ offset, input.source.count)
    return ByteRange(at, min(at &+ 1, input.source.count))
  }

  func bounded(_ arguments: [String]) -> [String] {
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

  func describe(_ value: Value) -> String {
    switch value {
    case .path(let path, _): path
    case .constant(let index): render(index) ?? "None"
    case .code(let index): reader.codes[index].name
    case .null, .unknown: "?"
    }
  }

  /// A constant as it is read; nil for None and for lists.
  func render(_ value: Int) -> String? {
    switch reader.values[value] {
    case .text(let text): Self.clip(text)
    case .literal(let text): text
    case .bytes(let range): Self.clip(String(decoding: reader.bytes[range].prefix(256), as: UTF8.self))
    case .list(let items):
      items.isEmpty ? nil : "(" + items.prefix(8).map { reader.text($0) }.joined(separator: ", ") + ")"
    case .none, .code: nil
    }
  }

  static func clip(_ text: String) -> String { String(text.prefix(256)) }
}
