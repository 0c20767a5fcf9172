/// Cuts a template into tokens. Any bytes are taken; what Jinja2 would refuse is a problem, and cutting goes on.
///
/// Linear in the template's length. Delimiters are Jinja2's own; no renderer of chat templates sets others. Blocks are
/// trimmed as transformers sets it: `trim_blocks` and `lstrip_blocks` on. Source: `jinja2/lexer.py`.
struct JinjaLexer {
  private let bytes: [UInt8]
  private var at = 0
  private(set) var tokens: [JinjaToken] = []
  private(set) var problems: [JinjaProblem] = []
  /// Brackets that are open in the current tag: `}}` ends no tag inside of them.
  private var brackets: [UInt8] = []
  /// How the data that comes next is trimmed at its start.
  private var trim = Trim.none

  private enum Trim { case none, newline, all }

  static func cut(_ bytes: [UInt8]) -> (tokens: [JinjaToken], problems: [JinjaProblem]) {
    var lexer = JinjaLexer(bytes)
    lexer.run()
    return (lexer.tokens, lexer.problems)
  }

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  private mutating func run() {
    while at < bytes.count {
      data()
      guard at < bytes.count else { break }
      switch bytes[at &+ 1] {
      case UInt8(ascii: "#"): comment()
      case UInt8(ascii: "{"): tag(.outputStart, end: .outputEnd, closing: UInt8(ascii: "}"))
      default: tag(.blockStart, end: .blockEnd, closing: UInt8(ascii: "%"))
      }
    }
    tokens.append(JinjaToken(kind: .end, start: bytes.count, end: bytes.count, text: ""))
  }

  // MARK: Between tags

  /// Text up to the next opening delimiter, or to the end.
  private mutating func data() {
    let start = at
    while at < bytes.count, !isOpening(at) { at += 1 }
    var from = start
    var to = at
    switch trim {
    case .none: break
    case .newline:
      if from < to, bytes[from] == 0x0d { from += 1 }
      if from < to, bytes[from] == 0x0a { from += 1 } else { from = start }
    case .all: while from < to, Self.isBlank(bytes[from]) { from += 1 }
    }
    trim = .none
    if at < bytes.count {
      let sign = at + 2 < bytes.count ? bytes[at + 2] : 0
      if sign == UInt8(ascii: "-") {
        while to > from, Self.isBlank(bytes[to - 1]) { to -= 1 }
      } else if sign != UInt8(ascii: "+"), bytes[at + 1] != UInt8(ascii: "{") {
        // `lstrip_blocks`: blanks between the line's start and a block.
        var line = to
        while line > from, bytes[line - 1] == 0x20 || bytes[line - 1] == 0x09 { line -= 1 }
        if line == 0 || (line > 0 && bytes[line - 1] == 0x0a) { to = line }
      }
    }
    emitData(from, to)
  }

  private mutating func emitData(_ from: Int, _ to: Int) {
    guard from < to else { return }
    tokens.append(
      JinjaToken(kind: .data, start: from, end: to, text: String(decoding: bytes[from..<to], as: UTF8.self)))
  }

  private func isOpening(_ index: Int) -> Bool {
    guard bytes[index] == UInt8(ascii: "{"), index + 1 < bytes.count else { return false }
    return [UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#")].contains(bytes[index + 1])
  }

  private mutating func comment() {
    let start = at
    at = min(at + 2, bytes.count)
    while at + 1 < bytes.count, !(bytes[at] == UInt8(ascii: "#") && bytes[at + 1] == UInt8(ascii: "}")) { at += 1 }
    if at + 1 >= bytes.count {
      problems.append(JinjaProblem(message: "a comment is not closed", offset: start))
      at = bytes.count
      emitComment(start, at, inner: at)
      return
    }
    let inner = at
    at += 2
    trim = inner > start + 2 && bytes[inner - 1] == UInt8(ascii: "-") ? .all : .newline
    emitComment(start, at, inner: inner)
  }

  private mutating func emitComment(_ start: Int, _ end: Int, inner: Int) {
    let from = min(start + 2, inner)
    tokens.append(
      JinjaToken(kind: .comment, start: start, end: end, text: String(decoding: bytes[from..<inner], as: UTF8.self)))
  }

  // MARK: Tags

  private mutating func tag(_ start: JinjaToken.Kind, end: JinjaToken.Kind, closing: UInt8) {
    let opening = at
    at += 2
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
    let first = tokens.count
    tokens.append(JinjaToken(kind: start, start: opening, end: at, text: ""))
    brackets.removeAll(keepingCapacity: true)
    while at < bytes.count {
      if Self.isBlank(bytes[at]) {
        at += 1
      } else if let length = closingLength(closing) {
        let sign = bytes[at]
        tokens.append(JinjaToken(kind: end, start: at, end: at + length, text: ""))
        at += length
        trim = sign == UInt8(ascii: "-") ? .all : end == .blockEnd && sign != UInt8(ascii: "+") ? .newline : .none
        if end == .blockEnd, isRaw(first) { raw(first) }
        return
      } else {
        token()
      }
    }
    problems.append(JinjaProblem(message: "a tag is not closed", offset: opening))
    tokens.append(JinjaToken(kind: end, start: bytes.count, end: bytes.count, text: ""))
  }

  /// Bytes of the closing delimiter that stands here; nil when none does, or when a bracket is open.
  private func closingLength(_ closing: UInt8) -> Int? {
    guard brackets.isEmpty else { return nil }
    let isSigned = bytes[at] == UInt8(ascii: "-") || (bytes[at] == UInt8(ascii: "+") && closing == UInt8(ascii: "%"))
    let index = isSigned ? at + 1 : at
    guard index + 1 < bytes.count, bytes[index] == closing, bytes[index + 1] == UInt8(ascii: "}") else { return nil }
    return index + 2 - at
  }

  private func isRaw(_ first: Int) -> Bool {
    tokens.count == first + 3 && tokens[first + 1].kind == .name && tokens[first + 1].text == "raw"
  }

  /// What stands before `{% endraw %}` is text, whatever it looks like.
  private mutating func raw(_ first: Int) {
    let opening = tokens[first].start
    tokens.removeLast(3)
    var from = at
    if trim == .all { while from < bytes.count, Self.isBlank(bytes[from]) { from += 1 } }
    if trim == .newline, from < bytes.count, bytes[from] == 0x0a { from += 1 }
    trim = .none
    var index = from
    while index + 1 < bytes.count {
      if bytes[index] == UInt8(ascii: "{"), bytes[index + 1] == UInt8(ascii: "%"), let end = endRaw(index) {
        var to = index
        if bytes[index + 2] == UInt8(ascii: "-") { while to > from, Self.isBlank(bytes[to - 1]) { to -= 1 } }
        emitData(from, to)
        trim = bytes[end - 3] == UInt8(ascii: "-") ? .all : .newline
        at = end
        return
      }
      index += 1
    }
    problems.append(JinjaProblem(message: "raw is not closed", offset: opening))
    emitData(from, bytes.count)
    at = bytes.count
  }

  /// The offset behind `{% endraw %}`; nil when that is not what stands at `index`.
  private func endRaw(_ index: Int) -> Int? {
    var at = index + 2
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
    while at < bytes.count, Self.isBlank(bytes[at]) { at += 1 }
    for letter in "endraw".utf8 {
      guard at < bytes.count, bytes[at] == letter else { return nil }
      at += 1
    }
    while at < bytes.count, Self.isBlank(bytes[at]) { at += 1 }
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
    guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "%"), bytes[at + 1] == UInt8(ascii: "}") else { return nil }
    return at + 2
  }

  // MARK: Tokens inside a tag

  private static let longSymbols: [[UInt8]] = ["//", "**", "==", "!=", ">=", "<="].map { Array($0.utf8) }
  private static let symbols = Set("+-/*%~[](){}><=.:|,;".utf8)

  private mutating func token() {
    let start = at
    let byte = bytes[at]
    if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") { return string(byte) }
    if byte >= 0x30 && byte <= 0x39 { return number() }
    if Self.isNameByte(byte) {
      while at < bytes.count, Self.isNameByte(bytes[at]) { at += 1 }
      return emit(.name, start, String(decoding: bytes[start..<at], as: UTF8.self))
    }
    for symbol in Self.longSymbols where bytes[at...].starts(with: symbol) {
      at += 2
      return emit(.symbol, start, String(decoding: symbol, as: UTF8.self))
    }
    at += 1
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    guard Self.symbols.contains(byte) else {
      problems.append(JinjaProblem(message: "the character '\(text)' means nothing in a tag", offset: start))
      return emit(.stray, start, text)
    }
    switch byte {
    case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): brackets.append(byte)
    case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): closeBracket(byte, at: start)
    default: break
    }
    emit(.symbol, start, text)
  }

  private mutating func closeBracket(_ byte: UInt8, at offset: Int) {
    let opening: UInt8 = byte == UInt8(ascii: ")") ? UInt8(ascii: "(") : byte - 2
    if brackets.last == opening {
      brackets.removeLast()
    } else {
      problems.append(JinjaProblem(message: "a bracket closes what is not open", offset: offset))
      if !brackets.isEmpty { brackets.removeLast() }
    }
  }

  private mutating func emit(_ kind: JinjaToken.Kind, _ start: Int, _ text: String) {
    tokens.append(JinjaToken(kind: kind, start: start, end: at, text: text))
  }

  private mutating func number() {
    let start = at
    func isPart(_ index: Int) -> Bool {
      let byte = bytes[index]
      if Self.isNameByte(byte) && byte < 0x80 { return true }
      if byte == UInt8(ascii: ".") {
        return index + 1 < bytes.count && bytes[index + 1] >= 0x30 && bytes[index + 1] <= 0x39
          && !bytes[start..<index].contains(UInt8(ascii: "."))
      }
      return (byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"))
        && (bytes[index - 1] | 0x20) == UInt8(ascii: "e") && !bytes[start..<index].contains(UInt8(ascii: "x"))
    }
    at += 1
    // An attribute that is a number, `x.0.1`, is two of them.
    let isStep = tokens.last?.kind == .symbol && tokens.last?.text == "."
    while at < bytes.count, isPart(at), !(isStep && bytes[at] == UInt8(ascii: ".")) { at += 1 }
    emit(.number, start, String(decoding: bytes[start..<at].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self))
  }

  private mutating func string(_ quote: UInt8) {
    let start = at
    at += 1
    let from = at
    while at < bytes.count, bytes[at] != quote { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
    let to = min(at, bytes.count)
    if at >= bytes.count {
      problems.append(JinjaProblem(message: "a string is not closed", offset: start))
      at = bytes.count
    } else {
      at += 1
    }
    let decoded = JinjaEscapes.decode(bytes[from..<to])
    tokens.append(
      JinjaToken(kind: .string, start: start, end: at, text: decoded.text, isExact: decoded.isExact))
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
  }
}
