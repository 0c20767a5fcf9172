import MScanBytes

extension PickleMachine {
  /// Where the operand of a text or bytes value lies.
  func spanOf(_ value: PickleValue) -> (offset: Int, count: Int, kind: PickleValue.TextKind) {
    switch value.tag {
    case .text, .bytes: return (value.spanOffset, value.spanCount, value.spanKind)
    case .longText, .longBytes:
      guard heap.longSpans.indices.contains(value.index) else { return (0, 0, .utf8) }
      return heap.longSpans[value.index]
    default: return (0, 0, .utf8)
    }
  }

  /// The text of a `str` value, up to `limit` operand bytes.
  func text(of value: PickleValue, limit: Int = 1 << 16) -> String {
    let (offset, count, kind) = spanOf(value)
    let bytes = stream.bytes(at: offset, min(count, limit))
    switch kind {
    case .utf8: return String(decoding: bytes, as: UTF8.self)
    case .latin1: return PickleText.latin1(bytes[...])
    case .quotedEscape: return PickleText.latin1((PickleText.unescape(bytes[...]) ?? bytes)[...])
    case .rawUnicodeEscape: return PickleText.rawUnicode(bytes[...]) ?? PickleText.latin1(bytes[...])
    }
  }

  /// Positional arguments as a reader writes them, and keywords as `name=value`; bounded.
  func renderArguments(_ arguments: PickleValue, keywords: PickleValue) -> [String] {
    var budget = limits.argumentCharacters
    var out: [String] = []
    let items = argumentItems(arguments)
    if let code = renderCode(items) { return code }
    for item in items {
      guard budget > 0, out.count < 16 else {
        out.append("…")
        break
      }
      // A text stands for itself here; inside another value it is quoted.
      let shown = item.isText ? excerpt(text(of: item, limit: budget &* 4), budget) : render(item, limit: budget)
      budget &-= shown.count
      out.append(shown)
    }
    if items.isEmpty, arguments.isStub || arguments.tag == .plainTuple || arguments.tag == .tuple { out.append("…") }
    if keywords.tag == .dict {
      let (pairs, _) = heap.items(of: keywords)
      for index in stride(from: 0, to: pairs.count &- 1, by: 2) where budget > 0 {
        let shown = text(of: pairs[index], limit: 64) + "=" + render(pairs[index &+ 1], limit: budget)
        budget &-= shown.count
        out.append(shown)
      }
    }
    return out
  }

  /// What a code object works with: the arguments of `code()` have a fixed order, in which the bytes of the instructions
  /// are followed by the constants, the names that they use, and the variables. Source: `Objects/codeobject.c`.
  private func renderCode(_ items: [PickleValue]) -> [String]? {
    // dill puts a table of lines in front, and protocols below 3 make bytes with a call.
    let start = items.first?.intValue == nil ? 1 : 0
    let isCode: (PickleValue) -> Bool = { $0.isBytes || heap.object($0)?.kind == .madeBytes }
    guard items.count >= 12, let at = items.dropFirst(start).firstIndex(where: isCode),
      (4...6).contains(at &- start), items.count > at &+ 5, items[start..<at].allSatisfy({ $0.intValue != nil })
    else { return nil }
    let isTuple: (PickleValue) -> Bool = { [.emptyTuple, .plainTuple, .tuple].contains($0.tag) }
    guard isTuple(items[at &+ 1]), isTuple(items[at &+ 2]) else { return nil }
    let half = limits.argumentCharacters / 2
    var names: [String] = []
    var size = 0
    for name in heap.tupleItems(items[at &+ 2]) {
      let shown = name.isText ? text(of: name, limit: 128) : render(name, limit: 64)
      size &+= shown.count
      guard size < half else {
        names.append("…")
        break
      }
      names.append(shown)
    }
    var constants = ""
    for constant in heap.tupleItems(items[at &+ 1]).prefix(24) where constants.count < half {
      constants += (constants.isEmpty ? "" : ", ") + render(constant, limit: 96)
    }
    var out = ["names: \(names.joined(separator: " "))", "constants: \(constants)"]
    let labels = items[(at &+ 4)...].filter(\.isText).prefix(2).map { text(of: $0, limit: 128) }
    if !labels.isEmpty { out.append("from: \(labels.joined(separator: " "))") }
    return out
  }

  private func excerpt(_ text: String, _ limit: Int) -> String {
    text.count <= limit ? text : text.prefix(max(0, limit)) + "…"
  }

  /// A value as Python would print it, near enough to read, in about `limit` characters.
  func render(_ value: PickleValue, limit: Int = 160) -> String {
    var out = ""
    write(value, depth: 0, limit: limit, into: &out)
    return excerpt(out, limit)
  }

  /// Recursion is bounded by `depth`, not by the stream.
  private func write(_ value: PickleValue, depth: Int, limit: Int, into out: inout String) {
    guard out.utf8.count < limit &* 4, depth < 4 else {
      out += "…"
      return
    }
    switch value.tag {
    case .absent, .none: out += "None"
    case .bool: out += value.payload != 0 ? "True" : "False"
    case .int: out += value.intValue.map(String.init) ?? "…"
    case .bigInt: out += "<large int>"
    case .float: out += value.payload == 1 ? "0.0" : "<float>"
    case .text, .longText: out += quoted(text(of: value, limit: limit))
    case .bytes, .longBytes: out += renderBytes(value, limit)
    case .byteArray, .memoryView: out += "bytearray(…)"
    case .emptyTuple: out += "()"
    case .plainTuple, .tuple:
      let items = heap.tupleItems(value)
      writeItems(
        items, whole: items.count == heap.tupleCount(value), "(", items.count == 1 ? ",)" : ")", depth, limit, &out)
    case .frozenSet: writeItems(heap.tupleItems(value), whole: true, "frozenset({", "})", depth, limit, &out)
    case .list, .set:
      let (items, whole) = heap.items(of: value)
      writeItems(
        items, whole: whole, value.tag == .list ? "[" : "{", value.tag == .list ? "]" : "}", depth, limit, &out)
    case .dict: writeDict(value, depth, limit, &out)
    case .global: out += recorder.path(of: value.index)
    case .object: writeObject(value, depth, limit, &out)
    }
  }

  private func writeObject(_ value: PickleValue, _ depth: Int, _ limit: Int, _ out: inout String) {
    guard let object = heap.object(value) else { return }
    if object.kind == .persistentID {
      out += "persistent_load("
      write(object.arguments, depth: depth &+ 1, limit: limit, into: &out)
      out += ")"
      return
    }
    if object.path >= 0, heap.paths.indices.contains(Int(object.path)) {
      out += heap.paths[Int(object.path)]
      return
    }
    write(object.callee, depth: depth &+ 1, limit: limit, into: &out)
    writeItems(argumentItems(object.arguments), whole: true, "(", ")", depth, limit, &out)
  }

  private func writeItems(
    _ items: [PickleValue], whole: Bool, _ open: String, _ close: String, _ depth: Int, _ limit: Int,
    _ out: inout String
  ) {
    out += open
    for (index, item) in items.prefix(8).enumerated() {
      if index > 0 { out += ", " }
      write(item, depth: depth &+ 1, limit: limit, into: &out)
    }
    if items.count > 8 || !whole { out += items.isEmpty ? "…" : ", …" }
    out += close
  }

  private func writeDict(_ value: PickleValue, _ depth: Int, _ limit: Int, _ out: inout String) {
    let (items, whole) = heap.items(of: value)
    out += "{"
    for index in stride(from: 0, to: min(16, items.count &- 1), by: 2) {
      if index > 0 { out += ", " }
      write(items[index], depth: depth &+ 1, limit: limit, into: &out)
      out += ": "
      write(items[index &+ 1], depth: depth &+ 1, limit: limit, into: &out)
    }
    if items.count > 16 || !whole { out += items.isEmpty ? "…" : ", …" }
    out += "}"
  }

  private func quoted(_ text: String) -> String {
    var out = "'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'": out += "\\'"
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "'"
  }

  private func renderBytes(_ value: PickleValue, _ limit: Int) -> String {
    let (offset, count, _) = spanOf(value)
    let shown = stream.source.prefix(min(count, 24, limit), at: offset)
    var out = "b'"
    for byte in shown {
      if (0x20..<0x7f).contains(byte), byte != 0x27, byte != 0x5c {
        out.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16)
        out += "\\x" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return out + "'" + (count > shown.count ? "… (\(count) bytes)" : "")
  }
}
