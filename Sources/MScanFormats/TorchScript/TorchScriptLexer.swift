import MScanBytes

/// One word of a TorchScript source. Offsets count from the first byte of the source.
struct TorchScriptToken: Hashable {
  enum Kind: Hashable {
    case name, number, text
    /// A single character that is none of these.
    case symbol(UInt8)
    /// The end of a line.
    case newline
    /// A byte that starts no word, and a text that has no end.
    case invalid
    case end
  }

  var kind: Kind
  var start: Int
  var end: Int
}

/// Cuts TorchScript sources into words: names, numbers, texts in one or three quotes, single characters. Comments and
/// blanks are skipped. Linear; never fails: what is no word is `invalid`, and reading goes on behind it.
///
/// Source: `torch/csrc/jit/frontend/lexer.h`.
struct TorchScriptLexer {
  let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> TorchScriptToken {
    skipBlanks()
    let start = position
    guard start < bytes.count else { return TorchScriptToken(kind: .end, start: start, end: start) }
    let byte = bytes[start]
    let kind: TorchScriptToken.Kind
    switch byte {
    case 0x0a:
      position = start &+ 1
      kind = .newline
    case 0x22, 0x27: kind = text(byte)
    case _ where Self.isNameStart(byte):
      position = span(from: start) { Self.isNameStart($0) || Self.isDigit($0) }
      kind = .name
    case _ where Self.isDigit(byte): kind = number()
    case 0x21..<0x7f:
      position = start &+ 1
      kind = .symbol(byte)
    default:
      position = start &+ 1
      kind = .invalid
    }
    return TorchScriptToken(kind: kind, start: start, end: position)
  }

  /// A name as text.
  func name(_ token: TorchScriptToken) -> String {
    String(decoding: bytes[token.start..<min(token.end, token.start &+ 256)], as: UTF8.self)
  }

  private mutating func skipBlanks() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0d, 0x0c: position &+= 1
      case 0x23: position = span(from: position) { $0 != 0x0a }
      case 0x5c where position &+ 1 < bytes.count && bytes[position &+ 1] == 0x0a: position &+= 2
      default: return
      }
    }
  }

  /// The offset behind the run of bytes that `belongs` takes.
  private func span(from start: Int, while belongs: (UInt8) -> Bool) -> Int {
    var at = start
    while at < bytes.count, belongs(bytes[at]) { at &+= 1 }
    return at
  }

  private mutating func number() -> TorchScriptToken.Kind {
    var at = span(from: position) { Self.isNameStart($0) || Self.isDigit($0) || $0 == 0x2e }
    // `1e-05`: a sign behind an exponent belongs to the number.
    if at < bytes.count, bytes[at] == 0x2d || bytes[at] == 0x2b, bytes[at &- 1] | 0x20 == 0x65,
      bytes[position..<at].allSatisfy({ Self.isDigit($0) || $0 == 0x2e || $0 | 0x20 == 0x65 })
    {
      at = span(from: at &+ 1) { Self.isDigit($0) }
    }
    position = at
    return .number
  }

  private mutating func text(_ quote: UInt8) -> TorchScriptToken.Kind {
    let isLong = position &+ 2 < bytes.count && bytes[position &+ 1] == quote && bytes[position &+ 2] == quote
    var at = position &+ (isLong ? 3 : 1)
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x5c {
        at = min(bytes.count, at &+ 2)
        continue
      }
      if byte == 0x0a, !isLong { break }
      if byte == quote {
        if !isLong {
          position = at &+ 1
          return .text
        }
        if at &+ 2 < bytes.count, bytes[at &+ 1] == quote, bytes[at &+ 2] == quote {
          position = at &+ 3
          return .text
        }
      }
      at &+= 1
    }
    // A long text without an end takes the rest, so that it is searched once; a short one its line.
    position = at
    return .invalid
  }

  /// What a text says, its first `limit` bytes, escapes resolved as Python's are.
  func contents(_ token: TorchScriptToken, limit: Int = 400) -> String {
    var start = token.start
    var end = token.end
    let isLong = end &- start >= 6 && bytes[start] == bytes[start &+ 1] && bytes[start] == bytes[start &+ 2]
    let width = isLong ? 3 : 1
    guard end &- start >= 2 &* width else { return "" }
    start &+= width
    end &-= width
    var out: [UInt8] = []
    while start < end, out.count < limit {
      if bytes[start] == 0x5c, start &+ 1 < end {
        start = escape(at: start &+ 1, end: end, into: &out)
      } else {
        out.append(bytes[start])
        start &+= 1
      }
    }
    return String(decoding: out, as: UTF8.self) + (start < end ? "…" : "")
  }

  /// Reads the escape whose letter stands at `at`. Returns the offset behind it.
  private func escape(at start: Int, end: Int, into out: inout [UInt8]) -> Int {
    switch bytes[start] {
    case 0x6e: out.append(0x0a)
    case 0x74: out.append(0x09)
    case 0x72: out.append(0x0d)
    case 0x61: out.append(0x07)
    case 0x62: out.append(0x08)
    case 0x66: out.append(0x0c)
    case 0x76: out.append(0x0b)
    case 0x0a: break
    case 0x78:
      let digits = bytes[(start &+ 1)..<max(start &+ 1, min(end, start &+ 3))]
      guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
        out.append(0x78)
        break
      }
      out.append(value)
      return start &+ 3
    case 0x30...0x37:
      let digits = bytes[start..<min(end, start &+ 3)].prefix { (0x30...0x37).contains($0) }
      out.append(UInt8(truncatingIfNeeded: Int(String(decoding: digits, as: UTF8.self), radix: 8) ?? 0))
      return start &+ digits.count
    default: out.append(bytes[start])
    }
    return start &+ 1
  }

  static func isNameStart(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x5f || byte >= 0x80
  }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
