import MScanBytes

/// The strings of a FlexBuffers vector, as TensorFlow Lite keeps the options of an operator that TensorFlow runs: its
/// name, and its serialised definition. Source: the FlexBuffers internals document.
enum FlexBuffer {
  private static let vectorType: UInt8 = 10
  private static let stringTypes: Set<UInt8> = [4, 5, 25]

  /// The strings in order; nil when `bytes` is no vector.
  static func strings(_ bytes: [UInt8], limit: Int) -> [[UInt8]]? {
    guard bytes.count >= 3 else { return nil }
    // At the end: the root, its packed type, its width.
    let rootWidth = Int(bytes[bytes.count &- 1])
    let rootType = bytes[bytes.count &- 2]
    let rootAt = bytes.count &- 2 &- rootWidth
    guard rootType &>> 2 == vectorType, let start = follow(rootAt, rootWidth, bytes) else { return nil }
    let width = 1 << Int(rootType & 3)
    guard let count = number(start &- width, width, bytes).flatMap({ Int(exactly: $0) }), count <= limit,
      count <= (bytes.count &- start) / (width &+ 1)
    else { return nil }
    var strings: [[UInt8]] = []
    for index in 0..<count {
      let type = bytes[start &+ count &* width &+ index]
      guard stringTypes.contains(type &>> 2), let at = follow(start &+ index &* width, width, bytes) else { continue }
      let lengthWidth = 1 << Int(type & 3)
      guard let length = number(at &- lengthWidth, lengthWidth, bytes).flatMap({ Int(exactly: $0) }),
        length <= bytes.count &- at
      else { continue }
      strings.append(Array(bytes[at..<(at &+ length)]))
    }
    return strings
  }

  /// Where the offset at `position` points: backwards.
  private static func follow(_ position: Int, _ width: Int, _ bytes: [UInt8]) -> Int? {
    guard let back = number(position, width, bytes).flatMap({ Int(exactly: $0) }), back <= position else { return nil }
    return position &- back
  }

  private static func number(_ position: Int, _ width: Int, _ bytes: [UInt8]) -> UInt64? {
    guard [1, 2, 4, 8].contains(width), position >= 0, position <= bytes.count, width <= bytes.count &- position else {
      return nil
    }
    var value: UInt64 = 0
    for step in 0..<width { value |= UInt64(bytes[position &+ step]) &<< UInt64(step &* 8) }
    return value
  }

  /// Field 2 of a protocol buffer, as text: `op` of TensorFlow's `NodeDef`. The last one, as parsers take it.
  static func operatorName(ofDefinition bytes: [UInt8]) -> String? {
    var at = 0
    var found: String?
    while at < bytes.count {
      guard let tag = varint(bytes, &at) else { return found }
      switch tag & 7 {
      case 0: guard varint(bytes, &at) != nil else { return found }
      case 1: at &+= 8
      case 5: at &+= 4
      case 2:
        guard let length = varint(bytes, &at).flatMap({ Int(exactly: $0) }), length <= bytes.count &- at else {
          return found
        }
        if tag &>> 3 == 2 { found = String(decoding: bytes[at..<(at &+ length)].prefix(256), as: UTF8.self) }
        at &+= length
      default: return found
      }
    }
    return found
  }

  private static func varint(_ bytes: [UInt8], _ at: inout Int) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard at < bytes.count else { return nil }
      let byte = bytes[at]
      at &+= 1
      if shift < 64 { value |= UInt64(byte & 0x7f) &<< shift }
      if byte < 0x80 { return value }
    }
    return nil
  }
}
