/// Base64 as Python's `binascii.a2b_base64` takes it: bytes outside the alphabet are passed over, and the first group
/// that `=` makes whole ends the text. Source: RFC 4648, and CPython's `Modules/binascii.c`.
public enum Base64 {
  /// Decodes at most `limit` bytes. Of a last group that is not whole, the bytes that are complete are kept.
  ///
  /// - Complexity: linear in what is read.
  public static func decode(_ text: some Sequence<UInt8>, limit: Int = .max) -> [UInt8] {
    var decoded: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for byte in text {
      if byte == UInt8(ascii: "=") {
        // Padding that does not end a group is passed over.
        if count >= 2 { padding &+= 1 }
        if count >= 2, count &+ padding >= 4 { break }
        continue
      }
      guard let value = value(of: byte) else { continue }
      padding = 0
      bits = bits &<< 6 | UInt32(value)
      count &+= 1
      guard count == 4 else { continue }
      decoded.append(UInt8(truncatingIfNeeded: bits >> 16))
      decoded.append(UInt8(truncatingIfNeeded: bits >> 8))
      decoded.append(UInt8(truncatingIfNeeded: bits))
      (bits, count) = (0, 0)
      if decoded.count >= limit { return Array(decoded.prefix(limit)) }
    }
    if count >= 2 { decoded.append(UInt8(truncatingIfNeeded: bits >> (count == 2 ? 4 : 10))) }
    if count == 3 { decoded.append(UInt8(truncatingIfNeeded: bits >> 2)) }
    return Array(decoded.prefix(limit))
  }

  public static func isInAlphabet(_ byte: UInt8) -> Bool { value(of: byte) != nil }

  private static func value(of byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte &- 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte &- 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &+ 4
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
