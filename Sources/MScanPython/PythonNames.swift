/// The names of a module, each once, by number. A name is a range of the text, or bytes of its own where Python sees
/// another one than what is written.
///
/// Open addressing with a seed of its own each time, so that no text can be made to collide.
struct PythonNames: Sendable {
  static let none = UInt32.max

  private struct Entry {
    /// Offset in the text; from `bytes.count` on, in `extra`.
    var start: Int
    var length: Int
    var hash: UInt32
  }

  private let bytes: [UInt8]
  private var extra: [UInt8] = []
  private let seed: UInt64
  private var entries: [Entry] = []
  private var slots: [UInt32]
  private var mask: Int

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    seed = UInt64.random(in: .min ... .max)
    slots = [UInt32](repeating: Self.none, count: 256)
    mask = 255
  }

  var count: Int { entries.count }

  /// The number of the name in a range of the text, as it is written there.
  mutating func intern(_ start: Int, _ end: Int) -> UInt32 {
    var hash = seed
    for at in start..<end { hash = (hash ^ UInt64(bytes[at])) &* 0x0000_0100_0000_01b3 }
    return find(start, end - start, hash)
  }

  /// The number of a name that is not written like that: normalised, or joined from parts.
  mutating func intern(_ name: String) -> UInt32 {
    let start = bytes.count + extra.count
    var hash = seed
    for byte in name.utf8 {
      extra.append(byte)
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
    let known = entries.count
    let number = find(start, extra.count - (start - bytes.count), hash)
    if entries.count == known { extra.removeLast(extra.count - (start - bytes.count)) }
    return number
  }

  private mutating func find(_ start: Int, _ length: Int, _ hash: UInt64) -> UInt32 {
    let short = Self.short(hash)
    var slot = Int(short) & mask
    while true {
      let found = slots[slot]
      if found == Self.none { break }
      let entry = entries[Int(found)]
      if entry.hash == short, entry.length == length, isSame(entry, start) { return found }
      slot = (slot + 1) & mask
    }
    let number = UInt32(truncatingIfNeeded: entries.count)
    entries.append(Entry(start: start, length: length, hash: short))
    slots[slot] = number
    if entries.count * 2 > slots.count { grow() }
    return number
  }

  private func isSame(_ entry: Entry, _ start: Int) -> Bool {
    for at in 0..<entry.length where byte(entry.start + at) != byte(start + at) { return false }
    return true
  }

  @inline(__always)
  private func byte(_ at: Int) -> UInt8 { at < bytes.count ? bytes[at] : extra[at - bytes.count] }

  func text(_ number: UInt32) -> String {
    guard Int(number) < entries.count else { return "" }
    let entry = entries[Int(number)]
    if entry.start >= bytes.count {
      let start = entry.start - bytes.count
      return String(decoding: extra[start..<start + entry.length], as: UTF8.self)
    }
    return String(decoding: bytes[entry.start..<entry.start + entry.length], as: UTF8.self)
  }

  /// The bytes of a name; none for what is no number of one.
  func bytes(of number: UInt32) -> ArraySlice<UInt8> {
    guard Int(number) < entries.count else { return [] }
    let entry = entries[Int(number)]
    let start = entry.start - bytes.count
    return start >= 0 ? extra[start..<start + entry.length] : bytes[entry.start..<entry.start + entry.length]
  }

  /// The first byte of a name; 0 for an empty one.
  func firstByte(of number: UInt32) -> UInt8 {
    guard Int(number) < entries.count, entries[Int(number)].length > 0 else { return 0 }
    return byte(entries[Int(number)].start)
  }

  /// Whether it is one of several words, as imports have them.
  func hasDot(_ number: UInt32) -> Bool {
    guard Int(number) < entries.count else { return false }
    let entry = entries[Int(number)]
    for at in entry.start..<entry.start + entry.length where byte(at) == UInt8(ascii: ".") { return true }
    return false
  }

  /// The number of a name that the module has; nil when it has none like it.
  func number(of name: String) -> UInt32? {
    var hash = seed
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    var slot = Int(Self.short(hash)) & mask
    while slots[slot] != Self.none {
      let entry = entries[Int(slots[slot])]
      if entry.length == name.utf8.count, zip(0..., name.utf8).allSatisfy({ byte(entry.start + $0) == $1 }) {
        return slots[slot]
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private static func short(_ hash: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: ((hash ^ (hash &>> 29)) &* 0xbf58_476d_1ce4_e5b9) &>> 32)
  }

  private mutating func grow() {
    mask = mask * 2 + 1
    slots = [UInt32](repeating: Self.none, count: mask + 1)
    for (number, entry) in entries.enumerated() {
      var slot = Int(entry.hash) & mask
      while slots[slot] != Self.none { slot = (slot + 1) & mask }
      slots[slot] = UInt32(truncatingIfNeeded: number)
    }
  }
}
