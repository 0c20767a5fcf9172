import MScanBytes
public import MScanFacts

/// GNU dbm files, which Python's `shelve` and `dbm` open: keys and values lie between pages of hash buckets, each value
/// in one piece. The pickles among them are carved out. Source: `gdbmdefs.h`.
public enum GNUDBMFormat: Format {
  public static let id = "dbm-gnu"

  /// Old files, then those with 32 and 64-bit offsets, plain and with numsync; in either byte order.
  private static let magics: [[UInt8]] = [0xce, 0xcd, 0xcf, 0xd0, 0xd1].map { [$0, 0x9a, 0x57, 0x13] }

  static func isMagic(_ head: [UInt8]) -> Bool {
    head.count >= 24 && magics.contains { head.starts(with: $0) || head.starts(with: Array($0.reversed())) }
  }

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    var reader = ShelfReader(input: input, format: id)
    reader.carve(into: &sink)
  }
}

/// Berkeley DB files (hash, btree, queue), which older Pythons and `shelve` on other systems write. Values that fit a
/// page lie in one piece; larger ones are cut into pages, which is said. Source: `dbinc/db_page.h`.
public enum BerkeleyDBFormat: Format {
  public static let id = "berkeley-db"

  private static let magics: [[UInt8]] = [[0x61, 0x15, 0x06, 0], [0x62, 0x31, 0x05, 0], [0x53, 0x22, 0x04, 0]]

  static func isMagic(_ head: [UInt8]) -> Bool {
    guard head.count >= 24 else { return false }
    return [0, 12].contains { at in
      magics.contains { head[at...].starts(with: $0) || head[at...].starts(with: Array($0.reversed())) }
    }
  }

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    var reader = ShelfReader(input: input, format: id)
    reader.carve(into: &sink)
  }
}

/// The data file of `dbm.dumb`, the `shelve` that works everywhere: values in blocks of 512 bytes, zeros between. Which
/// key has which value stands in a text beside it and does not matter here.
enum DumbShelf {
  static let id = "dbm-dumb"
  private static let block = 512

  /// Whether a pickle, zeros to the next block and another pickle stand at the start.
  static func isShelf(_ source: ByteSource) -> Bool {
    guard source.count > block else { return false }
    var probe = PickleProbe(opcodes: PickleProbe.carving, window: 1 << 12, data: true)
    guard case .pickle(let end?) = probe.look(source), end % block != 0 else { return false }
    let next = (end / block &+ 1) &* block
    guard next < source.count, source.prefix(next &- end, at: end).allSatisfy({ $0 == 0 }),
      MagicBytes.isBinaryPickle(source.prefix(3, at: next))
    else { return false }
    if case .pickle = probe.look(source.slice(ByteRange(next, source.count))) { return true }
    return false
  }

  /// Queues the value of each block.
  static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    var reader = ShelfReader(input: input, format: id)
    var probe = PickleProbe(opcodes: PickleProbe.carving &* 8, window: 1 << 12, data: true)
    var at = 0
    while at < input.source.count {
      var size = block
      if MagicBytes.isBinaryPickle(input.source.prefix(3, at: at)) {
        let rest = input.source.slice(ByteRange(at, input.source.count))
        switch probe.look(rest) {
        case .pickle(let end?): size = max(1, end)
        case .pickle(nil): size = rest.count
        case .no: break
        case .spent: return reader.noteUnsearched(ByteRange(at, input.source.count), into: &sink)
        }
        // A value that was replaced by a shorter one leaves its tail in the block.
        let next = (at &+ size &+ block &- 1) / block &* block
        let slack = input.source.slice(ByteRange(at &+ size, next)).prefix(block)
        let end = slack.allSatisfy { $0 == 0 } ? at &+ size : min(next, input.source.count)
        guard reader.add(ByteRange(at, min(end, input.source.count)), into: &sink) else { return }
      }
      at = (at &+ size &+ block &- 1) / block &* block
    }
  }
}

/// Queues the values of a database as pickles.
struct ShelfReader {
  let input: ArtifactInput
  let format: String
  private var count = 0

  init(input: ArtifactInput, format: String) {
    self.input = input
    self.format = format
  }

  private static let valueLimit = 4096

  /// Adds one value. Returns false once there are too many.
  mutating func add(_ range: ByteRange, into sink: inout FactBuffer) -> Bool {
    count &+= 1
    guard count <= Self.valueLimit else {
      noteUnsearched(ByteRange(range.start, input.source.count), into: &sink)
      return false
    }
    sink.addChild(
      Artifact(
        name: "value at \(range.start)", parent: input.index, rangeInParent: range, encoding: .stored, size: range.count
      ),
      source: input.source.slice(range), format: PickleFormat.id)
    return true
  }

  func noteUnsearched(_ range: ByteRange, into sink: inout FactBuffer) {
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "limit.shelfValues", field: "values", detail: "values from here on were not looked into",
          incomplete: true)), artifact: input.index, range: range, place: .whole)
  }

  /// Searches the whole file for pickles, and says where one seems to start that does not come to its end.
  mutating func carve(into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var carver = PickleCarver(input.source, data: true)
    carver.search(ByteRange(0, input.source.count))
    for find in carver.finds { guard add(find.range, into: &sink) else { break } }
    for at in carver.fragments {
      sink.emit(
        .anomaly(
          AnomalyFact(
            subject: "shelf.fragment", field: "value", detail: "a pickle starts here and is cut into pages",
            incomplete: true)), artifact: input.index, range: ByteRange(at: at, count: 1), place: .whole)
    }
    if let rest = carver.unsearched { noteUnsearched(rest, into: &sink) }
    sink.sortFacts(after: mark)
  }
}
