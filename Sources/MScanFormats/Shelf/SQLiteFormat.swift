import MScanBytes
public import MScanFacts

/// SQLite databases, as far as they carry pickles: `shelve` over `dbm.sqlite3` (Python 3.13), `sqlitedict`, `diskcache`
/// and others keep one in each row. Every leaf page of a table is read, in the order of the file, also those that no
/// table uses any more; values on overflow pages are put together. Source: the database file format of sqlite.org.
///
/// Header: `SQLite format 3\0`, page size at 16 (two bytes, big-endian; 1 is 65,536), reserved bytes of each page at 20.
/// Leaf page: `0d`, …, number of cells at 3 (two bytes), cell pointers from 8.
public enum SQLiteFormat: Format {
  public static let id = "sqlite"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = SQLiteReader(input: input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

struct SQLiteReader {
  let input: ArtifactInput
  private var source: ByteSource { input.source }
  private var pageSize = 0
  /// Bytes of a page that hold data.
  private var usable = 0
  private var probe = PickleProbe(opcodes: PickleProbe.carving &* 4, window: 1 << 12, data: true)
  /// Bytes of overflow pages that may still be read: chains could go in circles.
  private var overflowLeft: Int
  private var values = 0
  private static let valueLimit = 4096

  init(input: ArtifactInput) {
    self.input = input
    overflowLeft = input.limits.heldBytes
  }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    let header = source.prefix(100)
    guard header.count == 100 else { throw ParseFailure(.truncated, "header", at: header.count) }
    let stated = Int(header[16]) &<< 8 | Int(header[17])
    pageSize = stated == 1 ? 1 << 16 : stated
    guard pageSize >= 512, pageSize & (pageSize &- 1) == 0 else { throw ParseFailure(.malformed, "page size", at: 16) }
    usable = pageSize &- Int(header[20])
    guard usable >= 480 else { throw ParseFailure(.malformed, "reserved space", at: 20) }
    var page: [UInt8] = []
    var at = 0
    while at < source.count {
      source.read(at: at, count: pageSize, into: &page)
      guard page.count == pageSize else { throw ParseFailure(.truncated, "page", at: at) }
      try leaf(page, at: at, headerAt: at == 0 ? 100 : 0, into: &sink)
      at &+= pageSize
    }
  }

  private mutating func leaf(
    _ page: [UInt8], at base: Int, headerAt start: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard page[start] == 0x0d else { return }
    let count = Int(page[start &+ 3]) &<< 8 | Int(page[start &+ 4])
    for number in 0..<count {
      let pointer = start &+ 8 &+ number &* 2
      guard pointer &+ 1 < page.count else { break }
      let cell = Int(page[pointer]) &<< 8 | Int(page[pointer &+ 1])
      guard cell < usable else { continue }
      try row(page, cell, at: base, into: &sink)
    }
  }

  /// A number of one to nine bytes, seven bits each, the highest first. Nil when it is cut or does not fit.
  private func varint(_ bytes: [UInt8], _ at: inout Int) -> Int? {
    var value: UInt64 = 0
    for step in 0..<9 {
      guard at < bytes.count else { return nil }
      let byte = bytes[at]
      at &+= 1
      if step == 8 {
        value = value &<< 8 | UInt64(byte)
      } else {
        value = value &<< 7 | UInt64(byte & 0x7f)
        if byte < 0x80 { break }
      }
    }
    return Int(exactly: value)
  }

  private mutating func row(
    _ page: [UInt8], _ cell: Int, at base: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var at = cell
    guard let size = varint(page, &at), varint(page, &at) != nil, size > 0 else { return }
    let local = localSize(size)
    guard local <= usable &- at, at &+ local <= page.count else { return }
    var payload = Array(page[at..<(at &+ local)])
    var isStored = true
    if local < size {
      guard size <= overflowLeft else { throw ParseFailure(.limitExceeded, "heldBytes", at: base &+ cell) }
      overflowLeft &-= size
      guard at &+ local &+ 4 <= page.count else { return }
      addOverflow(from: Self.word(page, at &+ local), size: size, to: &payload)
      isStored = false
    }
    try columns(
      payload, at: base &+ at, range: ByteRange(at: base &+ cell, count: at &- cell &+ local), isStored, &sink)
  }

  /// Bytes of a payload that lie on its leaf page.
  private func localSize(_ size: Int) -> Int {
    let most = usable &- 35
    if size <= most { return size }
    let least = (usable &- 12) &* 32 / 255 &- 23
    let kept = least &+ (size &- least) % (usable &- 4)
    return kept <= most ? kept : least
  }

  private static func word(_ bytes: [UInt8], _ at: Int) -> Int {
    Int(bytes[at]) &<< 24 | Int(bytes[at &+ 1]) &<< 16 | Int(bytes[at &+ 2]) &<< 8 | Int(bytes[at &+ 3])
  }

  private func addOverflow(from first: Int, size: Int, to payload: inout [UInt8]) {
    var number = first
    var page: [UInt8] = []
    while payload.count < size, number > 0 {
      let (offset, over) = (number &- 1).multipliedReportingOverflow(by: pageSize)
      guard !over, source.read(at: offset, count: usable, into: &page) > 4 else { return }
      number = Self.word(page, 0)
      payload.append(contentsOf: page[4..<min(page.count, 4 &+ size &- payload.count)])
    }
  }

  /// The values of a row: serial types first, then the values they tell the sizes of.
  private mutating func columns(
    _ payload: [UInt8], at base: Int, range: ByteRange, _ isStored: Bool, _ sink: inout FactBuffer
  ) throws(ParseFailure) {
    var at = 0
    guard let headerSize = varint(payload, &at), headerSize <= payload.count else { return }
    var value = headerSize
    while at < headerSize, let type = varint(payload, &at) {
      let size: Int
      switch type {
      case 1...4: size = type
      case 5: size = 6
      case 6, 7: size = 8
      case 12...: size = (type &- 12) / 2
      default: size = 0
      }
      let end = min(payload.count, value &+ min(size, payload.count))
      guard value < end else { continue }
      if type >= 12, type & 1 == 0, let format = format(of: payload[value..<end]) {
        values &+= 1
        guard values <= Self.valueLimit else { throw ParseFailure(.limitExceeded, "shelfValues", at: base) }
        let bytes = Array(payload[value..<end])
        let place = isStored ? ByteRange(at: base &+ value, count: bytes.count) : range
        sink.addChild(
          Artifact(
            name: "value at \(place.start)", parent: input.index, rangeInParent: place,
            encoding: isStored ? .stored : .pieces, size: bytes.count),
          source: ByteSource(bytes), format: format == PickleFormat.id ? format : nil)
      }
      value = end
    }
  }

  private mutating func format(of bytes: ArraySlice<UInt8>) -> String? {
    let head = Array(bytes.prefix(64))
    if MagicBytes.isUnmistakable(head), head[0] != 0x80 { return "archive" }
    guard Identify.mayStartPickle(head) else {
      return head.count > 2 && head[0] == 0x78 && (0x7800 | Int(head[1])) % 31 == 0 ? "zlib" : nil
    }
    switch probe.look(ByteSource(Array(bytes))) {
    case .pickle: return PickleFormat.id
    case .no: return nil
    case .spent: return MagicBytes.isBinaryPickle(head) ? PickleFormat.id : nil
    }
  }
}
