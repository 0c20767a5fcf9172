/// The text encodings of pickle operands, decoded and checked as CPython does.
enum PickleText {
  /// Whether `bytes` is UTF-8 as `PyUnicode_DecodeUTF8(…, "surrogatepass")` takes it: the strict form, with surrogates
  /// allowed when `surrogates` is set.
  ///
  /// - Returns: how many leading bytes are whole and valid; `isValid` is false at the first byte that cannot be.
  static func validUTF8(_ bytes: ArraySlice<UInt8>, surrogates: Bool) -> (valid: Int, isValid: Bool) {
    var at = bytes.startIndex
    let end = bytes.endIndex
    while at < end {
      let byte = bytes[at]
      if byte < 0x80 {
        at &+= 1
        continue
      }
      let need: Int
      var low: UInt8 = 0x80
      var high: UInt8 = 0xbf
      switch byte {
      case 0xc2...0xdf: need = 1
      case 0xe0: (need, low) = (2, 0xa0)
      case 0xed: (need, high) = (2, surrogates ? 0xbf : 0x9f)
      case 0xe1...0xef: need = 2
      case 0xf0: (need, low) = (3, 0x90)
      case 0xf1...0xf3: need = 3
      case 0xf4: (need, high) = (3, 0x8f)
      default: return (at &- bytes.startIndex, false)
      }
      for step in 1...need {
        guard at &+ step < end else { return (at &- bytes.startIndex, true) }
        let next = bytes[at &+ step]
        guard next >= (step == 1 ? low : 0x80), next <= (step == 1 ? high : 0xbf) else {
          return (at &- bytes.startIndex, false)
        }
      }
      at &+= need &+ 1
    }
    return (at &- bytes.startIndex, true)
  }

  static func isASCII(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy { $0 < 0x80 } }

  private static func hex(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte) &- 0x30
    case 0x61...0x66: UInt32(byte) &- 0x57
    case 0x41...0x46: UInt32(byte) &- 0x37
    default: nil
    }
  }

  /// What stands between the quotes of a STRING operand, with its escapes undone as `PyBytes_DecodeEscape` does; nil
  /// when that raises.
  static func unescape(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var at = bytes.startIndex
    let end = bytes.endIndex
    while at < end {
      let byte = bytes[at]
      at &+= 1
      guard byte == 0x5c else {
        out.append(byte)
        continue
      }
      guard at < end else { return nil }
      let mark = bytes[at]
      at &+= 1
      switch mark {
      case 0x0a: break
      case 0x5c, 0x27, 0x22: out.append(mark)
      case 0x62: out.append(0x08)
      case 0x66: out.append(0x0c)
      case 0x74: out.append(0x09)
      case 0x6e: out.append(0x0a)
      case 0x72: out.append(0x0d)
      case 0x76: out.append(0x0b)
      case 0x61: out.append(0x07)
      case 0x30...0x37:
        var value = UInt32(mark) &- 0x30
        for _ in 0..<2 where at < end && (0x30...0x37).contains(bytes[at]) {
          value = value &* 8 &+ UInt32(bytes[at]) &- 0x30
          at &+= 1
        }
        out.append(UInt8(truncatingIfNeeded: value))
      case 0x78:
        guard at &+ 1 < end, let first = hex(bytes[at]), let second = hex(bytes[at &+ 1]) else { return nil }
        out.append(UInt8(truncatingIfNeeded: first &* 16 &+ second))
        at &+= 2
      default:
        out.append(0x5c)
        out.append(mark)
      }
    }
    return out
  }

  /// The scalars of a UNICODE operand (`raw-unicode-escape`); nil when CPython raises. Lone surrogates become U+FFFD.
  static func rawUnicode(_ bytes: ArraySlice<UInt8>) -> String? {
    var out = String.UnicodeScalarView()
    var at = bytes.startIndex
    let end = bytes.endIndex
    while at < end {
      let byte = bytes[at]
      at &+= 1
      guard byte == 0x5c, at < end else {
        out.append(Unicode.Scalar(byte))
        continue
      }
      let mark = bytes[at]
      at &+= 1
      guard mark == 0x75 || mark == 0x55 else {
        out.append("\\")
        out.append(Unicode.Scalar(mark))
        continue
      }
      var value: UInt32 = 0
      for _ in 0..<(mark == 0x75 ? 4 : 8) {
        guard at < end, let digit = hex(bytes[at]) else { return nil }
        value = value &<< 4 | digit
        at &+= 1
      }
      guard value <= 0x10ffff else { return nil }
      out.append(Unicode.Scalar(value) ?? "\u{fffd}")
    }
    return String(out)
  }

  /// Latin-1 bytes as text.
  static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
    var out = String.UnicodeScalarView()
    for byte in bytes { out.append(Unicode.Scalar(byte)) }
    return String(out)
  }
}
