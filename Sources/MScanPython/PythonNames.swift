import MScanBytes

/// The names of a module, each once, by number. A name is a range of the text, or bytes of its own where Python sees
/// another one than what is written.
///
/// Open addressing with a seed of each run's own, so that no text can be made to collide.
struct PythonNames: Sendable {
  static let none = UInt32.max

  private struct Entry {
    /// The first eight bytes, lowest first; fewer for a shorter name.
    var head: UInt64
    /// Offset in the text; from `bytes.count` on, in `extra`.
    var start: UInt32
    var length: UInt32
    var hash: UInt32
  }

  private let bytes: [UInt8]
  private var extra: [UInt8] = []
  private let seed: UInt64
  private var entries: [Entry] = []
  private var slots: [UInt32]
  private var mask: Int

  /// - Parameter bytes: under 4 GiB.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    seed = HashSeed.value
    slots = [UInt32](repeating: Self.none, count: 256)
    mask = 255
  }

  var count: Int { entries.count }

  /// The number of the name in a range of the text, as it is written there.
  mutating func intern(_ start: Int, _ end: Int) -> UInt32 {
    let (head, hash) = key(bytes.span, start, end &- start)
    return find(start, end &- start, head, hash)
  }

  /// The number of a name that is not written like that: normalised, or joined from parts.
  mutating func intern(_ name: String) -> UInt32 {
    let known = extra.count
    let start = bytes.count + known
    extra += name.utf8
    let (head, hash) = key(extra.span, known, extra.count - known)
    let count = entries.count
    let number = find(start, extra.count - known, head, hash)
    if entries.count == count { extra.removeLast(extra.count - known) }
    return number
  }

  /// The first bytes, and the hash of all with the seed: nobody who writes a text knows which names share a slot.
  @inline(__always)
  private func key(_ text: Span<UInt8>, _ start: Int, _ length: Int) -> (head: UInt64, hash: UInt32) {
    let head = text.word(at: start, count: min(length, 8))
    return (head, length <= 8 ? Self.mixed(head, length, seed) : longHash(text, start, length))
  }

  private func longHash(_ text: Span<UInt8>, _ start: Int, _ length: Int) -> UInt32 {
    var at = 0
    var state = seed
    while at &+ 8 < length, let word = text.word(at: start &+ at) {
      state = Self.folded(state ^ word, seed)
      at &+= 8
    }
    let rest = text.word(at: start &+ at, count: length &- at)
    return Self.mixed(rest, length, state)
  }

  @inline(__always)
  private static func mixed(_ word: UInt64, _ length: Int, _ state: UInt64) -> UInt32 {
    let other = (state &<< 1 ^ 0x9e37_79b9_7f4a_7c15) &+ UInt64(truncatingIfNeeded: length) &<< 3
    let mixed = folded(word ^ state, other | 1)
    return UInt32(truncatingIfNeeded: mixed ^ mixed &>> 32)
  }

  @inline(__always)
  private static func folded(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  private mutating func find(_ start: Int, _ length: Int, _ head: UInt64, _ hash: UInt32) -> UInt32 {
    var slot = Int(hash) & mask
    while true {
      let found = slots[slot]
      if found == Self.none { break }
      let entry = entries[Int(found)]
      if entry.hash == hash, entry.head == head, Int(entry.length) == length, length <= 8 || isSame(entry, start) {
        return found
      }
      slot = (slot + 1) & mask
    }
    let number = UInt32(truncatingIfNeeded: entries.count)
    entries.append(
      Entry(
        head: head, start: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: length), hash: hash))
    slots[slot] = number
    if entries.count * 2 > slots.count { grow() }
    return number
  }

  private func isSame(_ entry: Entry, _ start: Int) -> Bool {
    let (a, length) = (Int(entry.start), Int(entry.length))
    if a &+ length <= bytes.count, start &+ length <= bytes.count { return bytes.span.isEqual(a, start, count: length) }
    for at in 0..<length where byte(a + at) != byte(start + at) { return false }
    return true
  }

  @inline(__always)
  private func byte(_ at: Int) -> UInt8 { at < bytes.count ? bytes[at] : extra[at - bytes.count] }

  func text(_ number: UInt32) -> String { String(decoding: bytes(of: number), as: UTF8.self) }

  /// The bytes of a name; none for what is no number of one.
  func bytes(of number: UInt32) -> ArraySlice<UInt8> {
    guard Int(number) < entries.count else { return [] }
    let (start, length) = (Int(entries[Int(number)].start), Int(entries[Int(number)].length))
    let inExtra = start - bytes.count
    return inExtra >= 0 ? extra[inExtra..<inExtra + length] : bytes[start..<start + length]
  }

  /// The first byte of a name; 0 for an empty one.
  func firstByte(of number: UInt32) -> UInt8 {
    Int(number) < entries.count ? UInt8(truncatingIfNeeded: entries[Int(number)].head) : 0
  }

  /// Bytes of a name.
  func length(of number: UInt32) -> Int { Int(number) < entries.count ? Int(entries[Int(number)].length) : 0 }

  /// The number of a name that the module has; nil when it has none like it.
  func number(of name: String) -> UInt32? { number(of: name.utf8.span) }

  func number(of name: Span<UInt8>) -> UInt32? {
    let (head, hash) = key(name, 0, name.count)
    var slot = Int(hash) & mask
    while slots[slot] != Self.none {
      let entry = entries[Int(slots[slot])]
      if entry.hash == hash, entry.head == head, Int(entry.length) == name.count, isSame(entry, as: name) {
        return slots[slot]
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private func isSame(_ entry: Entry, as name: Span<UInt8>) -> Bool {
    var at = 8
    while at < name.count {
      if byte(Int(entry.start) + at) != name[at] { return false }
      at &+= 1
    }
    return true
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
