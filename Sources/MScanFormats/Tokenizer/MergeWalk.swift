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
  private var scratch: [UInt8] = []
  private var parts = 0

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
      if let merge = reader.nextPlainString(bytes, most: Self.plainLength) {
        if let table, !knows(bytes, merge.start &+ 1, merge.end &- 1, table) { note(merge.start, merge.end) }
      } else if let pair = reader.nextPlainPair(bytes, most: Self.plainLength) {
        var isKnown = true
        if let table {
          isKnown = knows(
            bytes, pair.first.start &+ 1, pair.first.end &- 1, pair.second.start &+ 1, pair.second.end &- 1, table)
        }
        if !isKnown { note(pair.first.start, pair.second.end) }
      } else {
        return count
      }
      count &+= 1
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
      if !knows(text.span, 0, text.count, table) { note(token.start, token.end) }
    case .string where depth == 2:
      JSONText.decode(bytes, token, repairing: false, into: &scratch)
      parts &+= 1
      joined.append(contentsOf: scratch)
      let isPart = parts <= 2 && table.mayHave(scratch.span, 0, scratch.count)
      if !isPart || parts == 2 && checksWhole && !table.mayHave(joined.span, 0, joined.count) {
        note(token.start, token.end)
      }
    default: break
    }
  }

  private mutating func note(_ start: Int, _ end: Int) {
    unknown &+= 1
    if first.count < Tally.shown { first.append(ByteRange(start, end)) }
  }

  @inline(__always)
  private mutating func knows(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ table: JSONKeys.Table) -> Bool {
    var blank = start
    while blank < end, text[blank] != 0x20 { blank &+= 1 }
    guard blank > start, blank < end else { return false }
    return knows(text, start, blank, blank &+ 1, end, table)
  }

  @inline(__always)
  private mutating func knows(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ nextStart: Int, _ nextEnd: Int, _ table: JSONKeys.Table
  ) -> Bool {
    guard table.mayHave(text, start, end), table.mayHave(text, nextStart, nextEnd) else { return false }
    guard checksWhole else { return true }
    if let isThere = table.mayHaveJoined(text, start, end, nextStart, nextEnd) { return isThere }
    joined.removeAll(keepingCapacity: true)
    for at in start..<end { joined.append(text[at]) }
    for at in nextStart..<nextEnd { joined.append(text[at]) }
    return table.mayHave(joined.span, 0, joined.count)
  }
}
