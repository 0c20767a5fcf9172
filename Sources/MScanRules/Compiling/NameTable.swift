import MScanBytes

/// Names of one kind and what rules say about each: an open-addressed table over bytes, with `x.*` held as prefixes.
///
/// A look-up hashes the subject's bytes once and probes at each dot; its cost does not grow with the number of names.
struct NameTable: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    /// The name in `bytes`, without `.*`.
    var start: UInt32
    var length: UInt32
    var hash: UInt32
    /// Whether it stands for everything below the name.
    var isPrefix: Bool
    /// The next less specific entry that names what this one names: the longest shorter prefix; -1 for none.
    var parent: Int32
    var firstPosting: UInt32
    var postingCount: UInt32
  }

  /// What a name leads to: a rule, or a group of allowed names. Denying comes first, then severity, then rule id.
  struct Posting: Sendable, Hashable {
    var raw: UInt32

    init(raw: UInt32) { self.raw = raw }
    init(rule: Int) { raw = UInt32(truncatingIfNeeded: rule) << 1 }
    init(allow: Int) { raw = UInt32(truncatingIfNeeded: allow) << 1 | 1 }

    var isAllow: Bool { raw & 1 == 1 }
    var index: Int { Int(raw >> 1) }
  }

  /// Holds the names, and may hold more around them.
  private(set) var bytes: [UInt8] = []
  private(set) var entries: [Entry] = []
  private(set) var postings: [Posting] = []
  /// Hash in the upper half, index of the entry plus one in the lower; 0 for a free slot. The count is a power of two.
  private var slots: [UInt64] = []

  init() {}

  /// Takes entries whose hashes and parents are already known, as the compact form has them.
  init(bytes: [UInt8], entries: [Entry], postings: [Posting]) {
    self.bytes = bytes
    self.entries = entries
    self.postings = postings
    slots = Self.slots(for: entries)
  }

  /// Builds the table from names in any order; the same name and form must come once.
  init(_ names: [(name: [UInt8], isPrefix: Bool, postings: [Posting])]) {
    for name in names {
      var hash = StableHash()
      for byte in name.name { hash.combine(byte) }
      if name.isPrefix { hash.combine(Self.prefixMark) }
      entries.append(
        Entry(
          start: UInt32(truncatingIfNeeded: bytes.count), length: UInt32(truncatingIfNeeded: name.name.count),
          hash: UInt32(truncatingIfNeeded: hash.value), isPrefix: name.isPrefix, parent: -1,
          firstPosting: UInt32(truncatingIfNeeded: postings.count),
          postingCount: UInt32(truncatingIfNeeded: name.postings.count)))
      bytes += name.name
      postings += name.postings
    }
    slots = Self.slots(for: entries)
    for index in entries.indices { entries[index].parent = parent(of: index) }
  }

  /// Ends the hash of a prefix, so that `x` and `x.*` differ. Never a byte of UTF-8.
  private static let prefixMark: UInt8 = 0xff
  private static let dot = UInt8(ascii: ".")

  private static func slots(for entries: [Entry]) -> [UInt64] {
    guard !entries.isEmpty else { return [] }
    var size = 16
    while size < entries.count * 2 { size *= 2 }
    var slots = [UInt64](repeating: 0, count: size)
    let mask = size - 1
    for (index, entry) in entries.enumerated() {
      var at = Int(entry.hash) & mask
      while slots[at] != 0 { at = (at + 1) & mask }
      slots[at] = UInt64(entry.hash) << 32 | UInt64(UInt32(truncatingIfNeeded: index + 1))
    }
    return slots
  }

  private func parent(of index: Int) -> Int32 {
    let name = self.name(of: index)
    return Int32(truncatingIfNeeded: find(name.span, exact: false))
  }

  func name(of index: Int) -> [UInt8] {
    let entry = entries[index]
    return Array(bytes[Int(entry.start)..<Int(entry.start) + Int(entry.length)])
  }

  func pattern(of index: Int) -> String {
    String(decoding: name(of: index), as: UTF8.self) + (entries[index].isPrefix ? ".*" : "")
  }

  /// How narrow an entry is; larger is narrower. An exact name is above every prefix, a longer prefix above a shorter.
  func specificity(of index: Int) -> Int {
    entries[index].isPrefix ? Int(entries[index].length) : Int.max
  }

  /// Index of the most specific entry that names `subject`, -1 for none. The others follow by ``Entry/parent``.
  func find(_ subject: String) -> Int {
    if slots.isEmpty { return -1 }
    return find(subject.utf8.span, exact: true)
  }

  /// - Parameter exact: whether the whole of `subject` may be an exact name, or only its dotted beginnings count.
  private func find(_ subject: Span<UInt8>, exact: Bool) -> Int {
    if slots.isEmpty { return -1 }
    var hash = StableHash()
    var found = -1
    for index in subject.indices {
      let byte = subject[index]
      if byte == Self.dot, index > 0 {
        var marked = hash
        marked.combine(Self.prefixMark)
        let entry = probe(marked.value, subject, count: index, isPrefix: true)
        if entry >= 0 { found = entry }
      }
      hash.combine(byte)
    }
    guard exact else { return found }
    let entry = probe(hash.value, subject, count: subject.count, isPrefix: false)
    return entry >= 0 ? entry : found
  }

  /// Entries of prefixes whose names hash so: `x.*` for the bytes of `x`, and whatever else has its hash.
  @inline(__always)
  func each(ofPrefix hash: StableHash, _ body: (Int) -> Void) {
    var marked = hash
    marked.combine(Self.prefixMark)
    each(marked.value, isPrefix: true, body)
  }

  /// Entries of exact names that hash so.
  @inline(__always)
  func each(ofName hash: StableHash, _ body: (Int) -> Void) { each(hash.value, isPrefix: false, body) }

  @inline(__always)
  private func each(_ hash: UInt64, isPrefix: Bool, _ body: (Int) -> Void) {
    if slots.isEmpty { return }
    let hash = UInt32(truncatingIfNeeded: hash)
    let mask = slots.count - 1
    var at = Int(hash) & mask
    while slots[at] != 0 {
      if UInt32(truncatingIfNeeded: slots[at] >> 32) == hash {
        let index = Int(slots[at] & 0xffff_ffff) - 1
        if entries[index].isPrefix == isPrefix { body(index) }
      }
      at = (at + 1) & mask
    }
  }

  /// The entry of that form whose name is the first `count` bytes of `subject`.
  @inline(__always)
  private func probe(_ hash: UInt64, _ subject: Span<UInt8>, count: Int, isPrefix: Bool) -> Int {
    let hash = UInt32(truncatingIfNeeded: hash)
    let mask = slots.count - 1
    var at = Int(hash) & mask
    while true {
      let slot = slots[at]
      if slot == 0 { return -1 }
      if UInt32(truncatingIfNeeded: slot >> 32) == hash {
        let index = Int(slot & 0xffff_ffff) - 1
        let entry = entries[index]
        if entry.isPrefix == isPrefix, Int(entry.length) == count, matches(entry, subject) { return index }
      }
      at = (at + 1) & mask
    }
  }

  private func matches(_ entry: Entry, _ subject: Span<UInt8>) -> Bool {
    let start = Int(entry.start)
    for offset in 0..<Int(entry.length) where bytes[start + offset] != subject[offset] { return false }
    return true
  }

  func postings(of index: Int) -> ArraySlice<Posting> {
    let entry = entries[index]
    return postings[Int(entry.firstPosting)..<Int(entry.firstPosting) + Int(entry.postingCount)]
  }

  /// The same names and postings, wherever the bytes lie.
  static func == (a: NameTable, b: NameTable) -> Bool {
    a.entries.count == b.entries.count
      && a.entries.indices.allSatisfy {
        a.entries[$0].isPrefix == b.entries[$0].isPrefix && a.entries[$0].parent == b.entries[$0].parent
          && a.entries[$0].hash == b.entries[$0].hash && a.name(of: $0) == b.name(of: $0)
          && a.postings(of: $0) == b.postings(of: $0)
      }
  }

  func hash(into hasher: inout Hasher) { hasher.combine(entries.count) }
}
