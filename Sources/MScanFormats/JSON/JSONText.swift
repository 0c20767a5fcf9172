import MScanBytes
import MScanFacts

/// The text of JSON strings, and UTF-8 as Python's strict decoder takes it.
enum JSONText {
  /// Bytes `start..<end`, cut to what there is.
  static func copy(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> [UInt8] {
    var copied: [UInt8] = []
    let last = min(end, bytes.count)
    guard start >= 0, start < last else { return copied }
    copied.reserveCapacity(last &- start)
    for at in start..<last { copied.append(bytes[at]) }
    return copied
  }

  static func isSimpleEscape(_ byte: UInt8) -> Bool { simple(byte) != nil }

  /// What a letter behind a backslash stands for; nil for one that stands for nothing.
  static func simple(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x22, 0x5c, 0x2f: byte
    case 0x62: 0x08
    case 0x66: 0x0c
    case 0x6e: 0x0a
    case 0x72: 0x0d
    case 0x74: 0x09
    default: nil
    }
  }

  /// The four hexadecimal digits at `at`; nil if they are not all there.
  static func unit(_ bytes: Span<UInt8>, _ at: Int) -> UInt32? {
    guard at >= 0, at &+ 4 <= bytes.count else { return nil }
    // All four at once, the first one lowest.
    let high: UInt32 = 0x8080_8080
    var word: UInt32 = 0
    for step in 0..<4 { word |= UInt32(bytes[at &+ step]) &<< UInt32(step &* 8) }
    guard word & high == 0 else { return nil }
    func isAtLeast(_ word: UInt32, _ byte: UInt32) -> UInt32 { word &+ (0x80 &- byte) &* 0x0101_0101 }
    let letters = word | 0x2020_2020
    let isDigit = isAtLeast(word, 0x30) & ~isAtLeast(word, 0x3a)
    let isLetter = isAtLeast(word, 0x41) & isAtLeast(letters, 0x61) & ~isAtLeast(letters, 0x67)
    guard (isDigit | isLetter) & high == high else { return nil }
    let digits = (word & 0x0f0f_0f0f) &+ (word &>> 6 & 0x0101_0101) &* 9
    let pairs = digits &<< 4 | digits &>> 8
    return (pairs & 0xff) &<< 8 | pairs &>> 16 & 0xff
  }

  /// Bytes of the UTF-8 scalar at `at`; 0 if it is not one (overlong, surrogate, cut, past U+10FFFF).
  static func scalarLength(_ bytes: Span<UInt8>, _ at: Int) -> Int {
    bytes.scalarLength(at: at)
  }

  /// Whether the key or string is `text`, ASCII without quotes or backslashes.
  static func says(_ text: StaticString, _ token: JSONToken, _ bytes: Span<UInt8>) -> Bool {
    guard !token.isEscaped else {
      var decoded: [UInt8] = []
      decode(bytes, token, limit: text.utf8CodeUnitCount &+ 1, repairing: true, into: &decoded)
      return decoded.elementsEqual(text.description.utf8)
    }
    guard token.end &- token.start == text.utf8CodeUnitCount &+ 2 else { return false }
    var at = token.start &+ 1
    for byte in text.description.utf8 {
      guard bytes[at] == byte else { return false }
      at &+= 1
    }
    return true
  }

  /// A whole number of up to 18 digits; nil for anything else.
  static func integer(_ bytes: Span<UInt8>, _ token: JSONToken) -> Int? {
    guard token.kind == .number, token.end &- token.start <= 19 else { return nil }
    var at = token.start
    let isNegative = bytes[at] == 0x2d
    if isNegative { at &+= 1 }
    var value = 0
    guard token.end &- at <= 18 else { return nil }
    while at < token.end {
      let digit = bytes[at] &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ Int(digit)
      at &+= 1
    }
    return isNegative ? -value : value
  }

  /// Whether two keys or strings say the same.
  static func same(_ a: JSONToken, _ b: JSONToken, _ bytes: Span<UInt8>) -> Bool {
    guard a.isEscaped || b.isEscaped else {
      return a.end &- a.start == b.end &- b.start && bytes.isEqual(a.start, b.start, count: a.end &- a.start)
    }
    var (first, second): ([UInt8], [UInt8]) = ([], [])
    decode(bytes, a, repairing: false, into: &first)
    decode(bytes, b, repairing: false, into: &second)
    return first == second
  }

  /// What stands between the quotes of a token that ``JSONReader`` accepted, without escapes, as UTF-8 bytes. A lone
  /// surrogate becomes its own three bytes (so that different ones stay different) or, with `repairing`, U+FFFD.
  ///
  /// - Returns: whether all of it fitted into `limit` scalars.
  @discardableResult
  static func decode(
    _ bytes: Span<UInt8>, _ token: JSONToken, limit: Int = Int.max, repairing: Bool, into text: inout [UInt8]
  ) -> Bool {
    text.removeAll(keepingCapacity: true)
    var at = token.start &+ 1
    let end = min(token.end &- 1, bytes.count)
    var scalars = 0
    while at < end {
      let byte = bytes[at]
      if byte & 0xc0 != 0x80 {
        guard scalars < limit else { return false }
        scalars &+= 1
      }
      guard byte == 0x5c, at &+ 1 < end else {
        text.append(byte)
        at &+= 1
        continue
      }
      guard let unit = unit(bytes, at &+ 2), bytes[at &+ 1] == 0x75 else {
        text.append(simple(bytes[at &+ 1]) ?? bytes[at &+ 1])
        at &+= 2
        continue
      }
      at &+= 6
      var scalar = unit
      if unit & 0xfc00 == 0xd800, at &+ 6 <= end, bytes[at] == 0x5c, bytes[at &+ 1] == 0x75,
        let low = Self.unit(bytes, at &+ 2), low & 0xfc00 == 0xdc00
      {
        scalar = 0x10000 &+ (unit & 0x3ff) &<< 10 &+ (low & 0x3ff)
        at &+= 6
      }
      append(repairing && scalar & 0xffff_f800 == 0xd800 ? 0xfffd : scalar, to: &text)
    }
    return true
  }

  /// What stands between the quotes, at most `limit` bytes of it, and where it is in step with the document.
  static func decodeWithOffsets(
    _ bytes: Span<UInt8>, _ token: JSONToken, limit: Int
  ) -> (text: [UInt8], offsets: [Artifact.OffsetStep]) {
    let start = token.start &+ 1
    var offsets = [Artifact.OffsetStep(decoded: 0, parent: start)]
    guard token.isEscaped else { return (copy(bytes, start, min(token.end &- 1, start &+ limit)), offsets) }
    var text: [UInt8] = []
    var piece: [UInt8] = []
    var at = start
    let end = min(token.end &- 1, bytes.count)
    while at < end, text.count < limit {
      var stop = at
      while stop < end, bytes[stop] != 0x5c { stop &+= 1 }
      if stop > at { text += copy(bytes, at, stop) }
      guard stop < end else { break }
      // An escape, or two that make one character.
      var length = stop &+ 1 < end && bytes[stop &+ 1] == 0x75 ? 6 : 2
      if length == 6, let high = unit(bytes, stop &+ 2), high & 0xfc00 == 0xd800, stop &+ 12 <= end,
        bytes[stop &+ 6] == 0x5c, bytes[stop &+ 7] == 0x75, let low = unit(bytes, stop &+ 8), low & 0xfc00 == 0xdc00
      {
        length = 12
      }
      at = min(stop &+ length, end)
      var escape = JSONToken(kind: .string, start: stop &- 1, end: at &+ 1)
      escape.isEscaped = true
      decode(bytes, escape, repairing: true, into: &piece)
      text += piece
      offsets.append(Artifact.OffsetStep(decoded: text.count, parent: at))
    }
    if text.count > limit { text.removeLast(text.count &- limit) }
    return (text, offsets)
  }

  /// The text of a key or string, at most `limit` scalars of it, then an ellipsis.
  static func string(_ bytes: Span<UInt8>, _ token: JSONToken, limit: Int) -> String {
    var text: [UInt8] = []
    let isWhole = decode(bytes, token, limit: limit, repairing: true, into: &text)
    let decoded = String(decoding: text, as: UTF8.self)
    return isWhole ? decoded : decoded + "…"
  }

  private static func append(_ scalar: UInt32, to text: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | (scalar &>> shift) & 0x3f) }
    switch scalar {
    case 0..<0x80: text.append(UInt8(truncatingIfNeeded: scalar))
    case 0x80..<0x800:
      text.append(UInt8(truncatingIfNeeded: 0xc0 | scalar &>> 6))
      text.append(tail(0))
    case 0x800..<0x10000:
      text.append(UInt8(truncatingIfNeeded: 0xe0 | scalar &>> 12))
      text.append(tail(6))
      text.append(tail(0))
    default:
      text.append(UInt8(truncatingIfNeeded: 0xf0 | scalar &>> 18))
      text.append(tail(12))
      text.append(tail(6))
      text.append(tail(0))
    }
  }
}
