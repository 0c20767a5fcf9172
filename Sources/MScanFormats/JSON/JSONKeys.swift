import MScanBytes

/// The keys of the objects that are open, to find equal ones. Keys compare without their escapes, by a hash with a
/// secret of this run and then byte by byte, so that nobody can prepare a document full of collisions.
struct JSONKeys {
  /// Eight bytes, because a vocabulary has hundreds of thousands.
  private struct Entry {
    var start: UInt32
    /// Bytes with the quotes, times two; odd for one with a backslash in it.
    var size: UInt32

    init?(_ key: JSONToken) {
      self.init(start: key.start, end: key.end, isEscaped: key.isEscaped)
    }

    init?(start: Int, end: Int, isEscaped: Bool = false) {
      guard let start = UInt32(exactly: start), let length = UInt32(exactly: end &- Int(start)), length <= .max / 2
      else { return nil }
      self.start = start
      size = length &* 2 | (isEscaped ? 1 : 0)
    }

    var length: Int { Int(size / 2) }
    var isEscaped: Bool { size & 1 == 1 }
    var token: JSONToken {
      var token = JSONToken(kind: .key, start: Int(start), end: Int(start) &+ length)
      token.isEscaped = isEscaped
      return token
    }
  }

  /// A key that is about to be added.
  struct Upcoming {
    fileprivate var start: Int
    fileprivate var end: Int
    fileprivate var isEscaped: Bool
    fileprivate var hash: UInt64

    fileprivate var token: JSONToken {
      var token = JSONToken(kind: .key, start: start, end: end)
      token.isEscaped = isEscaped
      return token
    }
  }

  private struct Open {
    /// Index of the object's first entry.
    var base: Int
    /// Index of the hash of its first entry, while it is small.
    var firstHash = 0
    /// Open addressing: the upper 40 bits of the hash, of which the lower ones say where the search starts, then the
    /// entry's number from 1; 0 is free. Empty while the object is small.
    var slots: [UInt64] = []
  }

  /// Bits of a slot that hold the number of an entry.
  private static let numberBits: UInt64 = 24
  private static let numberMask: UInt64 = 1 &<< numberBits &- 1

  @inline(__always)
  private static func place(_ hash: UInt64, _ mask: Int) -> Int { Int(truncatingIfNeeded: hash &>> numberBits) & mask }

  /// Keys of an object that are compared one by one. Count; 8.
  private static let smallObject = 8

  /// Drawn once: each draw is a system call.
  private static let runSecret: (UInt64, UInt64) = {
    var random = SystemRandomNumberGenerator()
    return (random.next(), random.next() | 1)
  }()

  private var entries: [Entry] = []
  /// Hashes of the keys of the open objects that are small.
  private var hashes: [UInt64] = []
  /// The innermost open object, and those around it.
  private var current = Open(base: 0)
  private var outer: [Open] = []
  private var scratch: [UInt8] = []
  private var other: [UInt8] = []
  /// Of no meaning: what was looked at beforehand.
  private var touched: UInt64 = 0
  private let secret: (UInt64, UInt64)
  /// Keys held at one time.
  private let limit: Int

  init(limit: Int) {
    self.limit = min(limit, Int(Self.numberMask) &- 1)
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

    /// What a text, free of escapes, is looked up by.
    @inline(__always)
    func hash(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 { keys.hash(text, start, end) }

    /// Whether a key says the text of this hash: with as many keys as the largest vocabulary has, one of millions of texts
    /// passes for one that is there, and nobody can tell which.
    func mayHave(_ hash: UInt64) -> Bool { keys.mayHave(hash) }

    /// The places of a table; none of few keys.
    var slots: [UInt64] { keys.current.slots }

    /// Where the search for a hash starts, among the places of a table. To look at many beforehand is faster than to wait
    /// for each.
    @inline(__always)
    static func firstSlot(of hash: UInt64, in slots: Span<UInt64>) -> UInt64 {
      slots[JSONKeys.place(hash, slots.count &- 1)]
    }

    /// The same as ``mayHave(_:)``, of the places of a table.
    @inline(__always)
    static func mayHave(_ hash: UInt64, in slots: Span<UInt64>) -> Bool {
      let mask = slots.count &- 1
      var slot = JSONKeys.place(hash, mask)
      while slots[slot] != 0 {
        if slots[slot] &>> JSONKeys.numberBits == hash &>> JSONKeys.numberBits { return true }
        slot = (slot &+ 1) & mask
      }
      return false
    }

    /// The hash of two pieces together, of up to eight bytes each; nil for longer ones.
    func hashJoined(_ text: Span<UInt8>, _ a: Int, _ aEnd: Int, _ b: Int, _ bEnd: Int) -> UInt64? {
      let (first, second) = (aEnd &- a, bEnd &- b)
      guard first >= 0, second >= 0, first &+ second <= 16, first <= 8, second <= 8 else { return nil }
      let (head, tail) = (text.word(at: a, count: first), text.word(at: b, count: second))
      let shift = UInt64(truncatingIfNeeded: first &* 8)
      // A shift by 64 is none of a word's.
      let low = first == 8 ? head : head | tail &<< shift
      let high = first == 8 ? tail : first == 0 ? 0 : tail &>> (64 &- shift)
      return JSONKeys.hash(low, high, count: first &+ second, keys.secret)
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
    hashes.removeLast(hashes.count &- current.firstHash)
    current = outer.popLast() ?? Open(base: 0)
    return Table(kept, base: base)
  }

  private func mayHave(_ hash: UInt64) -> Bool {
    current.slots.isEmpty ? small.contains { $0 == hash } : Table.mayHave(hash, in: current.slots.span)
  }

  private mutating func find(_ text: Span<UInt8>, in bytes: Span<UInt8>) -> Int? {
    let hash = hash(text, 0, text.count)
    if current.slots.isEmpty {
      for (step, known) in small.enumerated() where known == hash {
        let index = current.base &+ step
        if says(entries[index], text, bytes) { return index }
      }
      return nil
    }
    let mask = current.slots.count &- 1
    var slot = Self.place(hash, mask)
    while current.slots[slot] != 0 {
      let held = current.slots[slot]
      if held &>> Self.numberBits == hash &>> Self.numberBits {
        let index = Int(held & Self.numberMask) &- 1
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
    current = Open(base: entries.count, firstHash: hashes.count)
  }

  mutating func end() {
    entries.removeLast(entries.count &- current.base)
    hashes.removeLast(hashes.count &- current.firstHash)
    current = outer.popLast() ?? Open(base: 0)
  }

  /// Adds a key to the innermost object.
  ///
  /// - Returns: whether it is new there.
  /// - Throws: `limitExceeded` (field `jsonKeys`).
  mutating func insert(_ key: JSONToken, _ bytes: Span<UInt8>) throws(ParseFailure) -> Bool {
    let hash: UInt64
    if key.isEscaped {
      JSONText.decode(bytes, key, repairing: false, into: &scratch)
      hash = self.hash(scratch.span, 0, scratch.count)
    } else {
      hash = self.hash(bytes, key.start &+ 1, key.end &- 1)
    }
    return try insert(key, hash, bytes)
  }

  private mutating func insert(
    _ key: JSONToken, _ hash: UInt64, _ bytes: Span<UInt8>
  ) throws(ParseFailure) -> Bool {
    guard entries.count < limit, let entry = Entry(key) else {
      throw ParseFailure(.limitExceeded, "jsonKeys", at: key.start)
    }
    if current.slots.isEmpty {
      for (step, known) in small.enumerated() where known == hash {
        if same(entries[current.base &+ step], entry, bytes) { return false }
      }
      entries.append(entry)
      hashes.append(hash)
      if entries.count &- current.base > Self.smallObject { makeTable() }
      return true
    }
    let mask = current.slots.count &- 1
    var slot = Self.place(hash, mask)
    while current.slots[slot] != 0 {
      let held = current.slots[slot]
      if held &>> Self.numberBits == hash &>> Self.numberBits,
        same(entries[Int(held & Self.numberMask) &- 1], entry, bytes)
      {
        return false
      }
      slot = (slot &+ 1) & mask
    }
    entries.append(entry)
    current.slots[slot] = (hash & ~Self.numberMask) | UInt64(truncatingIfNeeded: entries.count)
    if entries.count &- current.base > (mask &+ 1) / 4 &* 3 { grow() }
    return true
  }

  /// A key that is to be added with others.
  ///
  /// - Parameter text: what it says, where it has escapes.
  @inline(__always)
  static func upcoming(_ key: JSONReader.Plain, _ bytes: Span<UInt8>, _ text: borrowing JSONPlainText) -> Upcoming {
    let hash =
      key.isEscaped
      ? hash(text.buffer.span, 0, text.count, runSecret) : hash(bytes, key.start &+ 1, key.end &- 1, runSecret)
    return Upcoming(start: key.start, end: key.end, isEscaped: key.isEscaped, hash: hash)
  }

  /// Adds keys, one after the other.
  ///
  /// - Parameter first: number of the first that ``insertNew(_:from:)`` did not add.
  /// - Returns: which of them were there already.
  /// - Throws: as above.
  mutating func insert(
    _ keys: [Upcoming], from first: Int = 0, _ bytes: Span<UInt8>
  ) throws(ParseFailure) -> [JSONToken] {
    var known: [JSONToken] = []
    var number = first
    while number < keys.count {
      number = insertNew(keys, from: number)
      guard number < keys.count else { break }
      if try !insert(keys[number].token, keys[number].hash, bytes) { known.append(keys[number].token) }
      number &+= 1
    }
    return known
  }

  /// Adds keys to a table as long as each is new, and there is room for all that are left. The places they go to are
  /// looked at first, some at once: a large table lies in memory that is slow to answer.
  ///
  /// - Returns: number of the first that has to be looked at closer; their count when there is none.
  mutating func insertNew(_ keys: [Upcoming], from first: Int) -> Int {
    let left = keys.count &- first
    guard !current.slots.isEmpty, entries.count &+ left <= limit else { return first }
    while entries.count &+ left &- current.base > current.slots.count / 4 &* 3 { grow() }
    // Out of the object, so that nothing has to ask for each key whether the table is its own.
    var table: [UInt64] = []
    var added: [Entry] = []
    swap(&table, &current.slots)
    swap(&added, &entries)
    defer {
      swap(&table, &current.slots)
      swap(&added, &entries)
    }
    var slots = table.mutableSpan
    let mask = slots.count &- 1
    var number = first
    while number < keys.count {
      let end = min(number &+ Self.atOnce, keys.count)
      // In a loop of its own, short enough for the processor to ask for many at a time.
      var seen: UInt64 = 0
      for next in number..<end { seen ^= slots[Self.place(keys[next].hash, mask)] }
      touched ^= seen
      while number < end {
        let next = keys[number]
        guard let entry = Entry(start: next.start, end: next.end, isEscaped: next.isEscaped) else { return number }
        var slot = Self.place(next.hash, mask)
        while slots[slot] != 0 {
          if slots[slot] &>> Self.numberBits == next.hash &>> Self.numberBits { return number }
          slot = (slot &+ 1) & mask
        }
        added.append(entry)
        slots[slot] = (next.hash & ~Self.numberMask) | UInt64(truncatingIfNeeded: added.count)
        number &+= 1
      }
    }
    return number
  }

  /// Places that are looked at together.
  private static let atOnce = 32

  /// Hashes of the keys of an object without a table.
  private var small: ArraySlice<UInt64> { hashes[current.firstHash...] }

  private mutating func makeTable() {
    current.slots = [UInt64](repeating: 0, count: 64)
    for (step, hash) in small.enumerated() { fill(&current.slots, hash, number: current.base &+ step &+ 1) }
    hashes.removeLast(hashes.count &- current.firstHash)
  }

  /// Makes the table four times as large; the old one says all that the new one holds.
  private mutating func grow() {
    var slots = LargeArrays.zeros(current.slots.count &* 4)
    for held in current.slots where held != 0 { fill(&slots, held, number: Int(held & Self.numberMask)) }
    current.slots = slots
    // As many as the table takes, so that they are moved less on the way there; and never a little more, which a
    // document of many objects would have moved for each of them.
    let wanted = current.base &+ slots.count / 4 &* 3
    if wanted > entries.capacity {
      entries = LargeArrays.moved(entries, roomFor: max(wanted, entries.capacity &* 2))
    }
  }

  private func fill(_ slots: inout [UInt64], _ hash: UInt64, number: Int) {
    let mask = slots.count &- 1
    var slot = Self.place(hash, mask)
    while slots[slot] != 0 { slot = (slot &+ 1) & mask }
    slots[slot] = (hash & ~Self.numberMask) | UInt64(truncatingIfNeeded: number)
  }

  private mutating func same(_ a: Entry, _ b: Entry, _ bytes: Span<UInt8>) -> Bool {
    guard a.isEscaped || b.isEscaped else {
      return a.size == b.size && bytes.isEqual(Int(a.start), Int(b.start), count: a.length)
    }
    JSONText.decode(bytes, a.token, repairing: false, into: &scratch)
    JSONText.decode(bytes, b.token, repairing: false, into: &other)
    return scratch == other
  }

  @inline(__always)
  private func hash(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
    Self.hash(bytes, start, end, secret)
  }

  /// Folded multiplication over words of eight bytes, keyed with the secret. Up to sixteen bytes are always two words, so
  /// that no branch depends on how long a word of the vocabulary is.
  @inline(__always)
  private static func hash(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ secret: (UInt64, UInt64)
  ) -> UInt64 {
    let count = end &- start
    guard count <= 16, let first = bytes.word(at: start), let second = bytes.word(at: start &+ 8) else {
      return hashSteps(bytes, start, end, secret)
    }
    let (short, long) = (UInt64(truncatingIfNeeded: count &* 8), UInt64(truncatingIfNeeded: (count &- 8) &* 8))
    let low = count < 8 ? first & ~(UInt64.max &<< short) : first
    let high = count <= 8 ? 0 : count < 16 ? second & ~(UInt64.max &<< long) : second
    return hash(low, high, count: count, secret)
  }

  private static func hashSteps(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ secret: (UInt64, UInt64)
  ) -> UInt64 {
    let count = end &- start
    if count <= 16 {
      let high = bytes.word(at: start &+ 8, count: count &- 8)
      return hash(bytes.word(at: start, count: min(8, count)), high, count: count, secret)
    }
    var state = secret.0 ^ UInt64(truncatingIfNeeded: count)
    var at = start
    while at &+ 8 <= end, let word = bytes.word(at: at) {
      state = fold(state ^ word, secret)
      at &+= 8
    }
    return fold(state ^ bytes.shortWord(at: at, count: end &- at), secret)
  }

  /// The same of up to sixteen bytes in two words.
  @inline(__always)
  private static func hash(_ low: UInt64, _ high: UInt64, count: Int, _ secret: (UInt64, UInt64)) -> UInt64 {
    fold(fold(secret.0 ^ UInt64(truncatingIfNeeded: count) ^ low, secret) ^ high, secret)
  }

  @inline(__always)
  private static func fold(_ value: UInt64, _ secret: (UInt64, UInt64)) -> UInt64 {
    let product = (value ^ secret.0).multipliedFullWidth(by: secret.1)
    return product.high ^ product.low &+ value &>> 29
  }
}
