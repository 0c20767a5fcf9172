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
  fileprivate static let atOnce = 32
  /// The same for a second thread, and how many merges have one started. Counts; 4096 and 16,384: about a millisecond's
  /// work.
  private static let manyAtOnce = 4096
  private static let worthThread = 1 << 14
  private var scratch: [UInt8] = []
  private var parts = 0

  fileprivate struct Waiting {
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

  /// Takes merges as long as one follows the other.
  ///
  /// - Returns: how many.
  mutating func takePlain(_ reader: inout JSONReader, _ bytes: Span<UInt8>) -> Int {
    var count = 0
    var (text, other) = (JSONPlainText(), JSONPlainText())
    var beside: SideThread<LookUp>?
    defer {
      takeBack(beside)
      lookUp()
    }
    while true {
      var next: Waiting
      if let merge = reader.nextPlainString(bytes, most: Self.plainLength, &text) {
        next = Waiting(start: merge.start, end: merge.end)
        if let table {
          if merge.isEscaped {
            take(&next, text.buffer.span, 0, text.count, table)
          } else {
            take(&next, bytes, merge.start &+ 1, merge.end &- 1, table)
          }
        }
      } else if let pair = reader.nextPlainPair(bytes, most: Self.plainLength, &text, &other) {
        next = Waiting(start: pair.first.start, end: pair.second.end)
        if let table { take(&next, pair, bytes, &text, other, table) }
      } else {
        return count
      }
      waiting.append(next)
      count &+= 1
      guard waiting.count >= Self.atOnce else { continue }
      if beside == nil, count < Self.worthThread {
        lookUp()
      } else if waiting.count == Self.manyAtOnce {
        lookUp(with: &beside)
      }
    }
  }

  /// Lets a second thread look up what waits.
  private mutating func lookUp(with beside: inout SideThread<LookUp>?) {
    guard let table else { return lookUp() }
    if beside == nil { beside = SideThread { $0?.run() } }
    guard let second = beside else { return lookUp() }
    takeBack(second)
    var job: LookUp? = LookUp(waiting: waiting, table: table, checksWhole: checksWhole)
    waiting = []
    waiting.reserveCapacity(Self.manyAtOnce)
    second.start(&job)
  }

  private mutating func takeBack(_ beside: SideThread<LookUp>?) {
    guard let done = beside?.finish() else { return }
    for merge in done.unknown { note(merge.start, merge.end) }
  }

  /// Looks up what waits, in its order.
  private mutating func lookUp() {
    defer { waiting.removeAll(keepingCapacity: true) }
    guard let table, !waiting.isEmpty else { return }
    var job = LookUp(waiting: waiting, table: table, checksWhole: checksWhole)
    job.run()
    for merge in job.unknown { note(merge.start, merge.end) }
  }

  /// Takes the parts of `["a", "b"]`.
  private mutating func take(
    _ merge: inout Waiting, _ pair: (first: JSONReader.Plain, second: JSONReader.Plain), _ bytes: Span<UInt8>,
    _ text: inout JSONPlainText, _ other: borrowing JSONPlainText, _ table: JSONKeys.Table
  ) {
    let (first, second) = pair
    guard first.isEscaped || second.isEscaped else {
      take(&merge, bytes, first.start &+ 1, first.end &- 1, second.start &+ 1, second.end &- 1, table)
      return
    }
    if !first.isEscaped {
      text.removeAll()
      text.append(bytes, first.start &+ 1, first.end &- 1)
    }
    let half = text.count
    if second.isEscaped {
      text.append(other.buffer.span, 0, other.count)
    } else {
      text.append(bytes, second.start &+ 1, second.end &- 1)
    }
    take(&merge, text.buffer.span, 0, half, half, text.count, table)
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

/// Merges that are looked up together.
private struct LookUp {
  let waiting: [MergeWalk.Waiting]
  let table: JSONKeys.Table
  let checksWhole: Bool
  /// Those that are about no token, in their order.
  var unknown: [(start: Int, end: Int)] = []
  /// Of no meaning: what was looked at beforehand.
  private var touched: UInt64 = 0

  init(waiting: [MergeWalk.Waiting], table: JSONKeys.Table, checksWhole: Bool) {
    (self.waiting, self.table, self.checksWhole) = (waiting, table, checksWhole)
  }

  mutating func run() {
    let held = table.slots
    guard !held.isEmpty else {
      for merge in waiting {
        let isKnown =
          merge.isPair && table.mayHave(merge.first) && table.mayHave(merge.second)
          && (!checksWhole || table.mayHave(merge.whole))
        if !isKnown { unknown.append((merge.start, merge.end)) }
      }
      return
    }
    let slots = held.span
    var start = 0
    while start < waiting.count {
      let end = min(start &+ MergeWalk.atOnce, waiting.count)
      run(start..<end, slots)
      start = end
    }
  }

  @inline(__always)
  private mutating func run(_ range: Range<Int>, _ slots: Span<UInt64>) {
    typealias Table = JSONKeys.Table
    var seen: UInt64 = 0
    for at in range where waiting[at].isPair {
      seen ^= Table.firstSlot(of: waiting[at].first, in: slots) ^ Table.firstSlot(of: waiting[at].second, in: slots)
      if checksWhole { seen ^= Table.firstSlot(of: waiting[at].whole, in: slots) }
    }
    touched ^= seen
    for at in range {
      let merge = waiting[at]
      let isKnown =
        merge.isPair && Table.mayHave(merge.first, in: slots) && Table.mayHave(merge.second, in: slots)
        && (!checksWhole || Table.mayHave(merge.whole, in: slots))
      if !isKnown { unknown.append((merge.start, merge.end)) }
    }
  }
}
