/// What an expression is known to be.
enum PythonValue: Hashable {
  /// Something importable, by its dotted name; a builtin as `builtins.…`.
  case path(DottedPath)
  case text(String)
  case bytes([UInt8])
  case integer(Int)
  case list([PythonValue])
  /// A function or lambda of this module, a class of it, an object of such a class: by the definition.
  case function(NodeID), classDefinition(NodeID), instance(NodeID)
  /// A dictionary as it is written.
  case dictionary(NodeID)
  /// The names of this module: `globals()`.
  case namespace
  /// `operator.attrgetter(name)`, `operator.methodcaller(name, …)`, `operator.itemgetter(key)`.
  case getter(String), caller(String), item(String)
  /// A method of a known text or bytes.
  indirect case method(PythonValue, String)
  case none

  /// Bytes it holds, about.
  var size: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    case .list(let values): values.count * 16
    default: 0
    }
  }

  /// Whether it, or something it holds, can be called.
  var mayBeCalled: Bool {
    switch self {
    case .text, .bytes, .integer, .none: false
    case .list(let values): values.contains { $0.isCallable }
    default: true
    }
  }

  private var isCallable: Bool {
    switch self {
    case .text, .bytes, .integer, .none, .list: false
    default: true
    }
  }

  var asText: String? {
    if case .text(let text) = self { return text }
    return nil
  }

  var asPath: DottedPath? {
    if case .path(let path) = self { return path }
    return nil
  }

  var isPath: Bool {
    if case .path = self { return true }
    return false
  }

  var asInteger: Int? {
    if case .integer(let number) = self { return number }
    return nil
  }

  /// Elements of a text, of bytes, of a list; nil above 65,536.
  var elements: [PythonValue]? {
    switch self {
    case .text(let text) where text.utf8.count > 1 << 16: nil
    case .bytes(let bytes) where bytes.count > 1 << 16: nil
    case .list(let values): values
    case .text(let text): text.unicodeScalars.map { .text(String($0)) }
    case .bytes(let bytes): bytes.map { .integer(Int($0)) }
    default: nil
    }
  }
}

/// Literals of the source, decoded.
enum PythonLiteral {
  /// The text or bytes of a `string` node. Escapes that are named (`\N{…}`) become U+FFFD.
  static func value(of node: Node, in bytes: [UInt8]) -> PythonValue {
    let flags = UInt8(truncatingIfNeeded: node.data)
    let literal = StringLiteral(flags: flags)
    let start = Int(node.start) + Int(node.data >> 8)
    let end = Int(node.end) - literal.quoteLength
    guard start <= end else { return .text("") }
    let content = decode(bytes[start..<end], literal)
    return literal.isBytes ? .bytes(content) : .text(String(decoding: content, as: UTF8.self))
  }

  /// A stretch of an f-string's own text: doubled braces are single.
  static func text(of node: Node, in bytes: [UInt8]) -> String {
    let flags = UInt8(truncatingIfNeeded: node.data)
    var literal = StringLiteral(flags: flags)
    literal.flags |= StringLiteral.escapes
    var content: [UInt8] = []
    var at = Int(node.start)
    while at < Int(node.end) {
      content.append(bytes[at])
      let isDouble = (bytes[at] == UInt8(ascii: "{") || bytes[at] == UInt8(ascii: "}")) && bytes[at + 1] == bytes[at]
      at += isDouble ? 2 : 1
    }
    return String(decoding: decode(content[...], literal), as: UTF8.self)
  }

  private static func decode(_ content: ArraySlice<UInt8>, _ literal: StringLiteral) -> [UInt8] {
    if literal.isRaw || !literal.hasEscapes { return Array(content) }
    var decoded: [UInt8] = []
    var at = content.startIndex
    func byte(_ index: Int) -> UInt8 { index < content.endIndex ? content[index] : 0 }
    func put(_ value: UInt32) {
      if literal.isBytes {
        decoded.append(UInt8(truncatingIfNeeded: value))
      } else {
        decoded.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{fffd}").utf8)
      }
    }
    while at < content.endIndex {
      guard content[at] == UInt8(ascii: "\\"), at + 1 < content.endIndex else {
        decoded.append(content[at])
        at += 1
        continue
      }
      let letter = content[at + 1]
      at += 2
      switch letter {
      case 0x0a: continue
      case 0x0d: if byte(at) == 0x0a { at += 1 }
      case 0x30...0x37:
        var value = UInt32(letter & 7)
        var digits = 1
        while digits < 3, (0x30...0x37).contains(byte(at)) {
          value = value << 3 | UInt32(byte(at) & 7)
          at += 1
          digits += 1
        }
        put(value)
      case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
        let length = letter == UInt8(ascii: "x") ? 2 : letter == UInt8(ascii: "u") ? 4 : 8
        let isCode = letter == UInt8(ascii: "x") || !literal.isBytes
        let end = min(at + length, content.endIndex)
        guard isCode, let value = UInt32(String(decoding: content[at..<end], as: UTF8.self), radix: 16) else {
          decoded += [UInt8(ascii: "\\"), letter]
          continue
        }
        put(value)
        at = end
      case UInt8(ascii: "N") where !literal.isBytes:
        while at < content.endIndex, content[at] != UInt8(ascii: "}") { at += 1 }
        at = min(at + 1, content.endIndex)
        put(0xfffd)
      default:
        if let plain = SourceCodec.simpleEscape(letter) {
          decoded.append(plain)
        } else {
          decoded += [UInt8(ascii: "\\"), letter]
        }
      }
    }
    return decoded
  }

  /// A number that is whole and fits.
  static func integer(_ written: ArraySlice<UInt8>) -> Int? {
    let digits = String(decoding: written.filter { $0 != 0x5f }, as: UTF8.self).lowercased()
    if digits.hasPrefix("0x") { return Int(digits.dropFirst(2), radix: 16) }
    if digits.hasPrefix("0o") { return Int(digits.dropFirst(2), radix: 8) }
    if digits.hasPrefix("0b") { return Int(digits.dropFirst(2), radix: 2) }
    return Int(digits)
  }
}
