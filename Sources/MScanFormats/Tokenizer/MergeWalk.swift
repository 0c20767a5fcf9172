import MScanBytes

/// Whether the merges of a BPE model are about tokens of its vocabulary: both parts, and what they make. In either form,
/// `"a b"` or `["a", "b"]`.
struct MergeWalk {
  /// Every merge so far was of the plain form and was looked up.
  var isWhole: Bool
  private(set) var unknown = 0
  /// Where the first few of them stand.
  private(set) var first: [ByteRange] = []

  /// Longest part or merge that is taken this way, in bytes; what is longer is looked at like any string, for what it
  /// may carry encoded.
  private static let plainLength = 128

  private let table: JSONKeys.Table?
  /// What two parts make has to be a token. It need not be where a prefix of the second falls away.
  private let checksWhole: Bool
  private var joined: [UInt8] = []
  /// Merges that were read and not yet looked up: many at once, so that the table's memory answers for all together.
  private var waiting: [Waiting] = []
  private static let atOnce = 32
  /// Of no meaning: what was looked at beforehand.
  private var touched: UInt64 = 0
  private var scratch: [UInt8] = []
  private var parts = 0

  private struct Waiting {
    /// Hashes of both parts and of what they make; all zero for a text that is no pair.
    var first: UInt64 = 0
    var second: UInt64 = 0
    var whole: UInt64 = 0
    var isPair = false
    var start: Int
    var end: Int
  }

  /// One that checks nothing.
  init() { (isWhole, table, checksWhole) = (false, nil, false) }

  /// - Parameter table: nil while the vocabulary is not known.
  init(_ table: JSONKeys.Table?, checksWhole: Bool) {
    (isWhole, self.table, self.checksWhole) = (table != nil, table, checksWhole)
  }

  /// Takes merges without escapes as long as one follows the other.
  ///
  /// - Returns: how many.
  mutating func takePlain(_ reader: inout JSONReader, _ bytes: Span<UInt8>) -> Int {
    var count = 0
    while true {
      var next: Waiting
      if let merge = reader.nextPlainString(bytes, most: Self.plainLength) {
        next = Waiting(start: merge.start, end: merge.end)
        if let table { take(&next, bytes, merge.start &+ 1, merge.end &- 1, table) }
      } else if let pair = reader.nextPlainPair(bytes, most: Self.plainLength) {
        next = Waiting(start: pair.first.start, end: pair.second.end)
        if let table {
          take(
            &next, bytes, pair.first.start &+ 1, pair.first.end &- 1, pair.second.start &+ 1, pair.second.end &- 1,
            table)
        }
      } else {
        lookUp()
        return count
      }
      waiting.append(next)
      if waiting.count == Self.atOnce { lookUp() }
      count &+= 1
    }
  }

  /// Looks up what waits, in its order.
  private mutating func lookUp() {
    defer { waiting.removeAll(keepingCapacity: true) }
    guard let table else { return }
    let held = table.slots
    guard !held.isEmpty else {
      for merge in waiting {
        let isKnown =
          merge.isPair && table.mayHave(merge.first) && table.mayHave(merge.second)
          && (!checksWhole || table.mayHave(merge.whole))
        if !isKnown { note(merge.start, merge.end) }
      }
      return
    }
    let slots = held.span
    typealias Table = JSONKeys.Table
    var seen: UInt64 = 0
    for merge in waiting where merge.isPair {
      seen ^= Table.firstSlot(of: merge.first, in: slots) ^ Table.firstSlot(of: merge.second, in: slots)
      if checksWhole { seen ^= Table.firstSlot(of: merge.whole, in: slots) }
    }
    touched ^= seen
    for merge in waiting {
      let isKnown =
        merge.isPair && Table.mayHave(merge.first, in: slots) && Table.mayHave(merge.second, in: slots)
        && (!checksWhole || Table.mayHave(merge.whole, in: slots))
      if !isKnown { note(merge.start, merge.end) }
    }
  }

  /// Takes a step of the text that is of another form.
  mutating func take(_ token: JSONToken, depth: Int, _ bytes: Span<UInt8>) {
    guard let table else { return }
    switch token.kind {
    case .beginArray where depth == 2:
      parts = 0
      joined.removeAll(keepingCapacity: true)
    case .string where depth == 1:
      JSONText.decode(bytes, token, repairing: false, into: &scratch)
      let text = scratch
      var merge = Waiting(start: token.start, end: token.end)
      take(&merge, text.span, 0, text.count, table)
      waiting.append(merge)
      lookUp()
    case .string where depth == 2:
      JSONText.decode(bytes, token, repairing: false, into: &scratch)
      parts &+= 1
      joined.append(contentsOf: scratch)
      let isPart = parts <= 2 && table.mayHave(table.hash(scratch.span, 0, scratch.count))
      if !isPart || parts == 2 && checksWhole && !table.mayHave(table.hash(joined.span, 0, joined.count)) {
        note(token.start, token.end)
      }
    default: break
    }
  }

  private mutating func note(_ start: Int, _ end: Int) {
    unknown &+= 1
    if first.count < Tally.shown { first.append(ByteRange(start, end)) }
  }

  /// Takes the parts of `a b`.
  @inline(__always)
  private mutating func take(
    _ merge: inout Waiting, _ text: Span<UInt8>, _ start: Int, _ end: Int, _ table: JSONKeys.Table
  ) {
    var blank = start
    while blank < end, text[blank] != 0x20 { blank &+= 1 }
    guard blank > start, blank < end else { return }
    take(&merge, text, start, blank, blank &+ 1, end, table)
  }

  @inline(__always)
  private mutating func take(
    _ merge: inout Waiting, _ text: Span<UInt8>, _ start: Int, _ end: Int, _ nextStart: Int, _ nextEnd: Int,
    _ table: JSONKeys.Table
  ) {
    merge.isPair = true
    merge.first = table.hash(text, start, end)
    merge.second = table.hash(text, nextStart, nextEnd)
    guard checksWhole else { return }
    if let whole = table.hashJoined(text, start, end, nextStart, nextEnd) {
      merge.whole = whole
      return
    }
    joined.removeAll(keepingCapacity: true)
    for at in start..<end { joined.append(text[at]) }
    for at in nextStart..<nextEnd { joined.append(text[at]) }
    merge.whole = table.hash(joined.span, 0, joined.count)
  }
}
