/// The damage of a compact form: it is not what ``RuleSet/encoded()`` writes.
struct CompactDamage: Error, Hashable {
  var offset: Int
}

/// Writes numbers and texts as UTF-8 that can stand in a string literal. Numbers are groups of five bits, low group
/// first, in the characters `0` to `o`; a text is its length in bytes, then itself.
struct CompactWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ number: Int) {
    var rest = UInt64(max(0, number))
    repeat {
      let group = UInt8(truncatingIfNeeded: rest & 31)
      rest >>= 5
      bytes.append(0x30 + (rest == 0 ? group : group | 32))
    } while rest != 0
  }

  /// Always six characters, of six bits each.
  mutating func write(hash: UInt32) {
    for shift in stride(from: UInt32(0), to: 36, by: 6) {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: (UInt64(hash) >> UInt64(shift)) & 63))
    }
  }

  mutating func write(_ flag: Bool) { write(flag ? 1 : 0) }

  mutating func write(_ text: String) { write(name: Array(text.utf8)) }

  mutating func write(name: [UInt8]) {
    write(name.count)
    bytes += name
  }

  mutating func write(_ texts: [String]) {
    write(texts.count)
    for text in texts { write(text) }
  }
}

/// Reads the same back. Checked throughout, though the data comes from our own build.
struct CompactReader {
  let bytes: [UInt8]
  private(set) var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { index == bytes.count }

  /// Steps over bytes the caller has looked at.
  mutating func skip(_ count: Int) { index = min(bytes.count, index + count) }

  var damage: CompactDamage { CompactDamage(offset: index) }

  @inline(__always)
  mutating func readNumber() throws(CompactDamage) -> Int {
    var value = 0
    var shift = 0
    while true {
      guard index < bytes.count, shift <= 30 else { throw damage }
      let group = bytes[index] &- 0x30
      guard group < 64 else { throw damage }
      index += 1
      value |= Int(group & 31) << shift
      if group < 32 { return value }
      shift += 5
    }
  }

  /// A number of things that follow, at least one byte each.
  @inline(__always)
  mutating func readCount() throws(CompactDamage) -> Int {
    let count = try readNumber()
    guard count <= bytes.count - index else { throw damage }
    return count
  }

  @inline(__always)
  mutating func readHash() throws(CompactDamage) -> UInt32 {
    guard bytes.count - index >= 6 else { throw damage }
    var value: UInt64 = 0
    for place in 0..<6 { value |= UInt64((bytes[index + place] &- 0x30) & 63) << UInt64(6 * place) }
    index += 6
    return UInt32(truncatingIfNeeded: value)
  }

  @inline(__always)
  mutating func readFlag() throws(CompactDamage) -> Bool { try readNumber() == 1 }

  mutating func readText() throws(CompactDamage) -> String {
    let (start, count) = try readName()
    return String(decoding: bytes[start..<start + count], as: UTF8.self)
  }

  /// Where a text lies in `bytes`.
  @inline(__always)
  mutating func readName() throws(CompactDamage) -> (start: Int, count: Int) {
    let count = try readCount()
    let start = index
    index += count
    return (start, count)
  }

  mutating func readTexts() throws(CompactDamage) -> [String] {
    let count = try readCount()
    var texts: [String] = []
    texts.reserveCapacity(count)
    for _ in 0..<count { texts.append(try readText()) }
    return texts
  }
}
