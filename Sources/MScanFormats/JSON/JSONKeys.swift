import MScanBytes

/// The keys of the objects that are open, to find equal ones. Keys compare without their escapes, by a hash with a
/// secret of this run and then byte by byte, so that nobody can prepare a document full of collisions.
struct JSONKeys {
  /// Sixteen bytes, because a vocabulary has hundreds of thousands.
  private struct Entry {
    var hash: UInt64
    var start: UInt32
    /// Bytes with the quotes, times two; odd for one with a backslash in it.
    var size: UInt32

    init?(_ key: JSONToken, hash: UInt64) {
      guard let start = UInt32(exactly: key.start), let length = UInt32(exactly: key.end &- key.start),
        length <= .max / 2
      else { return nil }
      self.hash = hash
      self.start = start
      size = length &* 2 | (key.isEscaped ? 1 : 0)
    }

    var length: Int { Int(size / 2) }
    var isEscaped: Bool { size & 1 == 1 }
    var token: JSONToken {
      var token = JSONToken(kind: .key, start: Int(start), end: Int(start) &+ length)
      token.isEscaped = isEscaped
      return token
    }
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

  /// The keys of the innermost object, by what they say, and where each stands in the text.
  struct Table {
    fileprivate var keys: JSONKeys
    fileprivate let base: Int

    /// Of an object without keys.
    init() { (keys, base) = (JSONKeys(limit: 0), 0) }

    fileprivate init(_ keys: JSONKeys, base: Int) { (self.keys, self.base) = (keys, base) }

    var count: Int { keys.entries.count &- base }

    /// The n-th of the keys, in the order of the text; equal ones are there once.
    subscript(number: Int) -> JSONToken? {
      let index = base &+ number
      return keys.entries.indices.contains(index) && number >= 0 ? keys.entries[index].token : nil
    }

    /// Whether a key says `text`, free of escapes, by its hash alone: one of billions of texts passes for one that is
    /// there, and nobody can tell which.
    func mayHave(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool { keys.mayHave(keys.hash(text, start, end)) }

    /// The same for two pieces of up to sixteen bytes together; nil for longer ones.
    func mayHaveJoined(_ text: Span<UInt8>, _ a: Int, _ aEnd: Int, _ b: Int, _ bEnd: Int) -> Bool? {
      let (first, second) = (aEnd &- a, bEnd &- b)
      guard first >= 0, second >= 0, first &+ second <= 16, first <= 8, second <= 8 else { return nil }
      let head = first == 8 ? text.word(at: a) ?? 0 : text.shortWord(at: a, count: first)
      let tail = second == 8 ? text.word(at: b) ?? 0 : text.shortWord(at: b, count: second)
      let shift = UInt64(truncatingIfNeeded: first &* 8)
      // A shift by 64 is none of a word's.
      let low = first == 8 ? head : head | tail &<< shift
      let high = first == 8 ? tail : first == 0 ? 0 : tail &>> (64 &- shift)
      return keys.mayHave(keys.hash(low, high, count: first &+ second))
    }

    /// Number of the key that says `text`, free of escapes; nil when none does.
    mutating func find(_ text: Span<UInt8>, in bytes: Span<UInt8>) -> Int? {
      keys.find(text, in: bytes).map { $0 &- base }
    }
  }

  /// Ends the innermost object, and hands out its keys.
  mutating func endKeeping() -> Table {
    let base = current.base
    var kept = self
    kept.outer = []
    entries = Array(entries[..<base])
    current = outer.popLast() ?? Open(base: 0)
    return Table(kept, base: base)
  }

  private func mayHave(_ hash: UInt64) -> Bool {
    if current.slots.isEmpty {
      for index in current.base..<entries.count where entries[index].hash == hash { return true }
      return false
    }
    let mask = current.slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while current.slots[slot] != 0 {
      if current.slots[slot] &>> 32 == hash &>> 32 { return true }
      slot = (slot &+ 1) & mask
    }
    return false
  }

  private mutating func find(_ text: Span<UInt8>, in bytes: Span<UInt8>) -> Int? {
    let hash = hash(text, 0, text.count)
    if current.slots.isEmpty {
      for index in current.base..<entries.count where entries[index].hash == hash {
        if says(entries[index], text, bytes) { return index }
      }
      return nil
    }
    let mask = current.slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while current.slots[slot] != 0 {
      let held = current.slots[slot]
      if held &>> 32 == hash &>> 32 {
        let index = Int(held & 0xffff_ffff) &- 1
        if says(entries[index], text, bytes) { return index }
      }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  private mutating func says(_ entry: Entry, _ text: Span<UInt8>, _ bytes: Span<UInt8>) -> Bool {
    if entry.isEscaped {
      JSONText.decode(bytes, entry.token, repairing: false, into: &scratch)
      guard scratch.count == text.count else { return false }
      for step in 0..<text.count where scratch[step] != text[step] { return false }
      return true
    }
    let from = Int(entry.start) &+ 1
    guard entry.length &- 2 == text.count else { return false }
    for step in 0..<text.count where bytes[from &+ step] != text[step] { return false }
    return true
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
    guard let entry = Entry(key, hash: hash) else { throw ParseFailure(.limitExceeded, "jsonKeys", at: key.start) }
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

  /// Makes the table of the object twice its number of keys or more.
  private mutating func grow() {
    var capacity = 64
    while capacity < (entries.count &- current.base) &* 2 &+ 1 { capacity &*= 2 }
    // The old table goes first: a vocabulary's is megabytes.
    current.slots = []
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
      return a.size == b.size && bytes.isEqual(Int(a.start), Int(b.start), count: a.length)
    }
    JSONText.decode(bytes, a.token, repairing: false, into: &scratch)
    JSONText.decode(bytes, b.token, repairing: false, into: &other)
    return scratch == other
  }

  /// Folded multiplication over words of eight bytes, keyed with the secret.
  private func hash(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
    var state = secret.0 ^ UInt64(truncatingIfNeeded: end &- start)
    var at = start
    while at &+ 8 <= end, let word = bytes.word(at: at) {
      state = fold(state ^ word)
      at &+= 8
    }
    return fold(state ^ bytes.shortWord(at: at, count: end &- at))
  }

  /// The same of up to sixteen bytes in two words.
  private func hash(_ low: UInt64, _ high: UInt64, count: Int) -> UInt64 {
    let state = secret.0 ^ UInt64(truncatingIfNeeded: count)
    if count < 8 { return fold(state ^ low) }
    let next = fold(state ^ low)
    return count < 16 ? fold(next ^ high) : fold(fold(next ^ high))
  }

  private func fold(_ value: UInt64) -> UInt64 {
    let product = (value ^ secret.0).multipliedFullWidth(by: secret.1)
    return product.high ^ product.low &+ value &>> 29
  }
}
