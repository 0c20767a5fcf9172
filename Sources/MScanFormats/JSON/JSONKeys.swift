import MScanBytes

/// The keys of the objects that are open, to find equal ones. Keys compare without their escapes, by a hash with a
/// secret of this run and then byte by byte, so that nobody can prepare a document full of collisions.
struct JSONKeys {
  private struct Entry {
    var hash: UInt64
    var start: Int
    var end: Int
    var isEscaped: Bool
  }

  private struct Open {
    /// Index of the object's first entry.
    var base: Int
    /// Open addressing, by the low bits of the hash: its high half, then the entry's number from 1; 0 is free. Empty
    /// while the object is small.
    var slots: [UInt64] = []
  }

  private static let small = 8

  /// Drawn once: each draw is a system call.
  private static let runSecret: (UInt64, UInt64) = {
    var random = SystemRandomNumberGenerator()
    return (random.next(), random.next() | 1)
  }()

  private var entries: [Entry] = []
  /// The innermost open object, and those around it.
  private var current = Open(base: 0)
  private var outer: [Open] = []
  private var scratch: [UInt8] = []
  private var other: [UInt8] = []
  private let secret: (UInt64, UInt64)
  /// Keys held at one time.
  private let limit: Int

  init(limit: Int) {
    self.limit = min(limit, Int(Int32.max))
    secret = Self.runSecret
  }

  mutating func begin() {
    outer.append(current)
    current = Open(base: entries.count)
  }

  mutating func end() {
    entries.removeLast(entries.count &- current.base)
    current = outer.popLast() ?? Open(base: 0)
  }

  /// Adds a key to the innermost object.
  ///
  /// - Returns: whether it is new there.
  /// - Throws: `limitExceeded` (field `jsonKeys`).
  mutating func insert(_ key: JSONToken, _ bytes: Span<UInt8>) throws(ParseFailure) -> Bool {
    guard entries.count < limit else { throw ParseFailure(.limitExceeded, "jsonKeys", at: key.start) }
    let hash: UInt64
    if key.isEscaped {
      JSONText.decode(bytes, key, repairing: false, into: &scratch)
      hash = self.hash(scratch.span, 0, scratch.count)
    } else {
      hash = self.hash(bytes, key.start &+ 1, key.end &- 1)
    }
    let entry = Entry(hash: hash, start: key.start, end: key.end, isEscaped: key.isEscaped)
    if current.slots.isEmpty {
      for index in current.base..<entries.count where entries[index].hash == hash {
        if same(entries[index], entry, bytes) { return false }
      }
      entries.append(entry)
      if entries.count &- current.base > Self.small { grow() }
      return true
    }
    let mask = current.slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while current.slots[slot] != 0 {
      let held = current.slots[slot]
      if held &>> 32 == hash &>> 32, same(entries[Int(held & 0xffff_ffff) &- 1], entry, bytes) { return false }
      slot = (slot &+ 1) & mask
    }
    entries.append(entry)
    current.slots[slot] = (hash & ~0xffff_ffff) | UInt64(truncatingIfNeeded: entries.count)
    if (entries.count &- current.base) &* 2 > mask { grow() }
    return true
  }

  /// Makes the table of the object four times its number of keys or more.
  private mutating func grow() {
    var capacity = 64
    while capacity < (entries.count &- current.base) &* 4 { capacity &*= 2 }
    var slots = [UInt64](repeating: 0, count: capacity)
    for index in current.base..<entries.count {
      let hash = entries[index].hash
      var slot = Int(truncatingIfNeeded: hash) & (capacity &- 1)
      while slots[slot] != 0 { slot = (slot &+ 1) & (capacity &- 1) }
      slots[slot] = (hash & ~0xffff_ffff) | UInt64(truncatingIfNeeded: index &+ 1)
    }
    current.slots = slots
  }

  private mutating func same(_ a: Entry, _ b: Entry, _ bytes: Span<UInt8>) -> Bool {
    guard a.isEscaped || b.isEscaped else {
      guard a.end &- a.start == b.end &- b.start else { return false }
      for step in 0..<(a.end &- a.start) where bytes[a.start &+ step] != bytes[b.start &+ step] { return false }
      return true
    }
    JSONText.decode(bytes, JSONToken(kind: .key, start: a.start, end: a.end), repairing: false, into: &scratch)
    JSONText.decode(bytes, JSONToken(kind: .key, start: b.start, end: b.end), repairing: false, into: &other)
    return scratch == other
  }

  /// Folded multiplication over words of eight bytes, keyed with the secret.
  private func hash(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
    var state = secret.0 ^ UInt64(truncatingIfNeeded: end &- start)
    var at = start
    while at < end {
      var word: UInt64 = 0
      let stop = min(at &+ 8, end)
      while at < stop {
        word = word &<< 8 | UInt64(bytes[at])
        at &+= 1
      }
      state = fold(state ^ word)
    }
    return fold(state)
  }

  private func fold(_ value: UInt64) -> UInt64 {
    let product = (value ^ secret.0).multipliedFullWidth(by: secret.1)
    return product.high ^ product.low &+ value &>> 29
  }
}
