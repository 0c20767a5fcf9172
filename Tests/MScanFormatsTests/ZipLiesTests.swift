import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// Zip records with every field to choose.
private struct Record {
  var name = "m/data.pkl"
  var method: UInt16 = 0
  var flags: UInt16 = 0
  var crc: UInt32 = 0
  var compressedSize: Int
  var size: Int
  var extra: [UInt8] = []
  var commentLength: UInt16 = 0
  var extraLength: UInt16?

  init(_ data: [UInt8], name: String = "m/data.pkl") {
    self.name = name
    crc = Inflate.crc32(data)
    (compressedSize, size) = (data.count, data.count)
  }

  private var fields: [UInt8] {
    // The time is not zero: miniz reads method and time as one number when it compares sizes.
    var out = ZipBuilder.u16(flags) + ZipBuilder.u16(method) + ZipBuilder.u32(0x5a21_5a21) + ZipBuilder.u32(crc)
    out += ZipBuilder.u32(UInt32(truncatingIfNeeded: compressedSize)) + ZipBuilder.u32(UInt32(truncatingIfNeeded: size))
    let length = extraLength ?? UInt16(extra.count)
    return out + ZipBuilder.u16(UInt16(name.utf8.count)) + ZipBuilder.u16(length)
  }

  var local: [UInt8] { [0x50, 0x4b, 3, 4, 20, 0] + fields + Array(name.utf8) + extra }

  func central(at offset: UInt32) -> [UInt8] {
    [0x50, 0x4b, 1, 2, 20, 0, 20, 0] + fields + ZipBuilder.u16(commentLength) + [0, 0, 0, 0, 0, 0, 0, 0]
      + ZipBuilder.u32(offset) + Array(name.utf8) + extra
  }

  static func end(_ directory: [UInt8], at offset: Int, entries: UInt16 = 1) -> [UInt8] {
    [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + ZipBuilder.u16(entries) + ZipBuilder.u16(entries)
      + ZipBuilder.u32(UInt32(directory.count)) + ZipBuilder.u32(UInt32(offset)) + [0, 0]
  }

  static func zip64End(_ directory: [UInt8], at offset: Int, recordAt place: Int) -> [UInt8] {
    [0x50, 0x4b, 6, 6] + u64(44) + [45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0] + u64(1) + u64(1) + u64(directory.count)
      + u64(offset) + [0x50, 0x4b, 6, 7, 0, 0, 0, 0] + u64(place) + [1, 0, 0, 0]
  }

  static func u64(_ value: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

/// Headers that disagree, each as some loader takes it: the payload has to be a child, whole.
@Suite struct ZipLiesTests {
  static let payload = latin1("I1\n0cos\nsystem\n(S'x'\ntR.")

  private func finds(_ bytes: [UInt8], as name: String? = nil) -> Bool {
    let facts = readZip(bytes)
    return facts.children.contains { child in
      child.open(limits: .standard).source.prefix(99) == Self.payload
        && (name == nil || facts.artifacts[child.index]?.name == name)
    }
  }

  /// One member, its two headers changed.
  private func archive(_ change: (inout Record, inout Record) -> Void) -> [UInt8] {
    var (local, central) = (Record(Self.payload), Record(Self.payload))
    change(&local, &central)
    let front = local.local + Self.payload
    let directory = central.central(at: 0)
    return front + directory + Record.end(directory, at: front.count)
  }

  @Test(arguments: ["stored sizes differ", "in both", "central is empty", "local is empty", "comment is cut", "extra"])
  func sizes(what: String) {
    let bytes = archive { local, central in
      switch what {
      case "stored sizes differ": central.compressedSize = 1
      case "in both": (local.compressedSize, central.compressedSize) = (1, 1)
      case "central is empty": (central.compressedSize, central.size) = (0, 0)
      case "local is empty": (local.compressedSize, local.size, local.name) = (0, 0, "x")
      case "comment is cut": (local.compressedSize, local.size, central.commentLength) = (0, 0, 500)
      default: (local.compressedSize, local.size, central.extraLength) = (0, 0, 900)
      }
    }
    #expect(finds(bytes), "\(what)")
  }

  @Test func aFolderMayHaveData() {
    let bytes = archive { local, central in
      (local.name, central.name) = ("m/x/", "m/x/")
      (local.size, central.size) = (0, 0)
    }
    #expect(finds(bytes))
  }

  @Test func theSameEntryTwiceWithOtherSizes() {
    var short = Record(Self.payload)
    (short.compressedSize, short.size) = (1, 1)
    let front = short.local + Self.payload
    let directory = short.central(at: 0) + Record(Self.payload).central(at: 0)
    #expect(finds(front + directory + Record.end(directory, at: front.count, entries: 2)))
  }

  @Test(arguments: [false, true]) func zip64WithoutBeingAsked(isElsewhere: Bool) {
    let fine = latin1("N.")
    var hidden = Record(Self.payload, name: "x")
    let front = Record(fine).local + fine
    let offset = UInt32(front.count)
    let central = Record(Self.payload).central(at: offset)
    (hidden.compressedSize, hidden.size) = (0, 0)
    let members = front + hidden.local + Self.payload
    let shown = Record(fine).central(at: 0)
    // The record that names the other directory stands before the end record, or where only its locator leads.
    var bytes = members + shown + central
    let place = bytes.count
    let record = Record.zip64End(central, at: members.count + shown.count, recordAt: place)
    bytes += isElsewhere ? Array(record.prefix(56)) + shown + Array(record.suffix(20)) : record
    #expect(finds(bytes + Record.end(shown, at: members.count), as: "m/data.pkl"))
  }

  @Test(arguments: [Int.max - 15, Int.max, Int.max - 30, -1]) func offsetsPastTheEnd(offset: Int) {
    var far = Record(Self.payload, name: "far")
    far.extra = [1, 0, 8, 0] + Record.u64(offset)
    let front = Record(Self.payload).local + Self.payload
    let directory = far.central(at: .max) + Record(Self.payload).central(at: 0)
    #expect(finds(front + directory + Record.end(directory, at: front.count, entries: 2)))
  }

  @Test(arguments: ["m/data/x.pkl", "m/data/x.bin"]) func namesWithAnEndingAreNoStorages(name: String) {
    var builder = ZipBuilder()
    builder.members = [.init(name: "m/data.pkl", data: latin1("N.")), .init(name: name, data: Self.payload)]
    #expect(finds(builder.bytes()))
  }

  @Test func aStorageInOneHeaderOnlyIsRead() {
    var builder = ZipBuilder()
    builder.members = [
      .init(name: "m/data.pkl", data: latin1("N.")),
      .init(name: "o/data.pkl", data: Self.payload, centralName: "m/data/0"),
    ]
    #expect(finds(builder.bytes()))
  }

  @Test func checksumsOfDeflatedMembersAreCompared() {
    let block: [UInt8] = [1, 2, 0, 0xfd, 0xff] + latin1("N.")
    for (crc, isBad) in [(Inflate.crc32(latin1("N.")), false), (1, true)] as [(UInt32, Bool)] {
      var record = Record(block)
      (record.method, record.size, record.crc) = (8, 2, crc)
      let front = record.local + block
      let directory = record.central(at: 0)
      let facts = readZip(front + directory + Record.end(directory, at: front.count))
      #expect(facts.members.first?.flags.contains(.badChecksum) == isBad)
    }
  }

  /// Members that all hold the whole archive cost no more than the budget, and the rest is said to be unread.
  @Test func sharedBytesAreBounded() {
    let data = [UInt8](repeating: 0x5b, count: 1000)
    let front = Record(data).local + data
    let directory = (0..<50).flatMap { Record(data, name: "m/\($0)").central(at: 0) }
    var limits = Limits.standard
    limits.expandedBytes = 10_000
    let facts = readZip(front + directory + Record.end(directory, at: front.count, entries: 50), limits: limits)
    #expect(facts.children.count <= 11)
    #expect(facts.anomalySubjects.count { $0 == "limit.expandedBytes!" } == 1)
  }

  /// Names and searches that could make the reader quadratic.
  @Test(.timeLimit(.minutes(1))) func manyMembersStayFast() {
    var builder = ZipBuilder()
    builder.members = (0..<20_000).map { .init(name: "d\($0)/data.pkl", data: [0x4e, 0x2e]) }
    #expect(readZip(builder.bytes()).members.count == 20_000)
    var streamed = Record([])
    streamed.flags = 8
    let one: [UInt8] = streamed.local + [1, 2]
    let orphans = [UInt8]([[UInt8]](repeating: one, count: 20_000).joined())
    let facts = readZip(orphans + Record.end([], at: orphans.count, entries: 0))
    #expect(facts.facts.filter { $0.kind == .member }.reduce(0) { $0 + $1.count } == 20_000, "equal ones coalesce")
  }
}
