import MScanBytes

/// Encodings in which source carries texts that are not to be read at once. Nil for what Python would refuse.
enum Encodings {
  static func hex(_ digits: [UInt8]) -> [UInt8]? {
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      guard PythonLexer.isHexDigit(digit) else { return nil }
      let value = digit & 0xf &+ (digit > 0x39 ? 9 : 0)
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }

  static func digits(_ bytes: [UInt8]) -> String {
    let letters = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [letters[Int($0 >> 4)], letters[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Both alphabets; what belongs to neither is passed over, as Python does.
  static func base64(_ text: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for character in text {
      if character == UInt8(ascii: "=") { break }
      let digit: UInt8
      switch character {
      case 0x41...0x5a: digit = character &- 0x41
      case 0x61...0x7a: digit = character &- 0x61 &+ 26
      case 0x30...0x39: digit = character &- 0x30 &+ 52
      case UInt8(ascii: "+"), UInt8(ascii: "-"): digit = 62
      case UInt8(ascii: "/"), UInt8(ascii: "_"): digit = 63
      default: continue
      }
      bits = bits << 6 | UInt32(digit)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        bits &= 1 << count &- 1
      }
    }
    return bytes
  }

  static func base32(_ text: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for character in text where character != UInt8(ascii: "=") {
      let digit: UInt8
      switch character {
      case 0x41...0x5a: digit = character &- 0x41
      case 0x32...0x37: digit = character &- 0x32 &+ 26
      default: return nil
      }
      bits = bits << 5 | UInt32(digit)
      count += 5
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        bits &= 1 << count &- 1
      }
    }
    return bytes
  }

  /// The alphabet of Git's base 85, which `base64.b85decode` reads.
  static func base85(_ text: [UInt8]) -> [UInt8]? {
    let alphabet = Array(
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~".utf8)
    var values = [UInt8](repeating: 255, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    let padding = (5 - text.count % 5) % 5
    let padded = text + [UInt8](repeating: UInt8(ascii: "~"), count: padding)
    var bytes: [UInt8] = []
    var number: UInt64 = 0
    for (index, character) in padded.enumerated() {
      let value = values[Int(character)]
      guard value != 255 else { return nil }
      number = number * 85 + UInt64(value)
      if index % 5 == 4 {
        guard number <= 0xffff_ffff else { return nil }
        for shift: UInt64 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
        number = 0
      }
    }
    bytes.removeLast(min(padding, bytes.count))
    return bytes
  }

  static func rot13(_ text: String) -> String {
    String(
      decoding: text.utf8.map { byte in
        switch byte {
        case 0x41...0x5a: (byte - 0x41 + 13) % 26 + 0x41
        case 0x61...0x7a: (byte - 0x61 + 13) % 26 + 0x61
        default: byte
        }
      }, as: UTF8.self)
  }

  static func inflated(_ bytes: [UInt8], _ wrapper: Inflate.Wrapper, _ limit: Int) -> [UInt8]? {
    let output = Inflate.decode(ByteSource(bytes), wrapper, limit: limit)
    return output.failure == nil ? output.bytes : nil
  }

  /// Unpacked bytes; nil when they are broken or more than `limit`.
  static func decoded(_ bytes: [UInt8], _ codec: Codec, _ limit: Int) -> [UInt8]? {
    var limits = Limits.standard
    limits.memberBytes = limit
    let output = Decompression.decode(ByteSource(bytes), codec, bounds: Decompression.Bounds(limits))
    return output.failure == nil ? output.source.prefix(limit) : nil
  }
}
