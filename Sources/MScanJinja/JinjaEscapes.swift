/// Escapes of Jinja2's strings: those of Python, since the lexer hands strings to `unicode-escape`.
enum JinjaEscapes {
  /// The text between the quotes, and whether every escape in it was understood.
  static func decode(_ bytes: ArraySlice<UInt8>) -> (text: String, isExact: Bool) {
    guard bytes.contains(UInt8(ascii: "\\")) else { return (String(decoding: bytes, as: UTF8.self), true) }
    var text: [UInt8] = []
    var isExact = true
    var at = bytes.startIndex
    while at < bytes.endIndex {
      let byte = bytes[at]
      guard byte == UInt8(ascii: "\\"), at + 1 < bytes.endIndex else {
        text.append(byte)
        at += 1
        continue
      }
      let letter = bytes[at + 1]
      at += 2
      switch letter {
      case 0x0a: break
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): text.append(letter)
      case UInt8(ascii: "n"): text.append(0x0a)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "r"): text.append(0x0d)
      case UInt8(ascii: "a"): text.append(0x07)
      case UInt8(ascii: "b"): text.append(0x08)
      case UInt8(ascii: "f"): text.append(0x0c)
      case UInt8(ascii: "v"): text.append(0x0b)
      case UInt8(ascii: "x"): isExact = digits(2, bytes, &at, into: &text) && isExact
      case UInt8(ascii: "u"): isExact = digits(4, bytes, &at, into: &text) && isExact
      case UInt8(ascii: "U"): isExact = digits(8, bytes, &at, into: &text) && isExact
      case UInt8(ascii: "N"): isExact = named(bytes, &at, into: &text) && isExact
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        var value = UInt32(letter & 7)
        var count = 1
        while count < 3, at < bytes.endIndex, (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(bytes[at]) {
          value = value << 3 | UInt32(bytes[at] & 7)
          at += 1
          count += 1
        }
        append(value, to: &text)
      default:
        // Python leaves unknown escapes as they are.
        text.append(UInt8(ascii: "\\"))
        text.append(letter)
      }
    }
    return (String(decoding: text, as: UTF8.self), isExact)
  }

  /// `count` hexadecimal digits; false when there are fewer.
  private static func digits(
    _ count: Int, _ bytes: ArraySlice<UInt8>, _ at: inout Int, into text: inout [UInt8]
  ) -> Bool {
    var value: UInt32 = 0
    for step in 0..<count {
      guard at + step < bytes.endIndex, let digit = hexDigit(bytes[at + step]) else { return false }
      value = value << 4 | digit
    }
    at += count
    append(value, to: &text)
    return true
  }

  private static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte) - 0x30
    case 0x61...0x66: UInt32(byte) - 0x57
    case 0x41...0x46: UInt32(byte) - 0x37
    default: nil
    }
  }

  /// Blocks whose characters are found by their name: Latin, general punctuation, full-width forms.
  private static let namedBlocks: [ClosedRange<UInt32>] = [
    0x20...0x24f, 0x2000...0x206f, 0xfe4d...0xfe4f, 0xff00...0xff5e,
  ]

  private static let names: [String: UInt32] = {
    var names: [String: UInt32] = [:]
    for block in namedBlocks {
      for value in block {
        if let name = Unicode.Scalar(value)?.properties.name { names[name] = value }
      }
    }
    names["UNDERSCORE"] = 0x5f
    return names
  }()

  /// `\N{LOW LINE}`; false for a name outside of ``namedBlocks``.
  private static func named(_ bytes: ArraySlice<UInt8>, _ at: inout Int, into text: inout [UInt8]) -> Bool {
    guard at < bytes.endIndex, bytes[at] == UInt8(ascii: "{"),
      let close = bytes[at...].prefix(90).firstIndex(of: UInt8(ascii: "}"))
    else { return false }
    let name = String(decoding: bytes[(at + 1)..<close], as: UTF8.self).uppercased()
    at = close + 1
    guard let value = names[name] else { return false }
    append(value, to: &text)
    return true
  }

  private static func append(_ value: UInt32, to text: inout [UInt8]) {
    text += Array(String(Unicode.Scalar(value) ?? "\u{fffd}").utf8)
  }
}
