import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct ZipTests {
  static let payload = latin1("cos\nsystem\n(S'x'\ntR.")
  static let floats = [UInt8](repeating: 0x3f, count: 64)

  static func archive(_ change: (inout ZipBuilder) -> Void = { _ in }) -> [UInt8] {
    var builder = ZipBuilder()
    builder.members = [
      .init(name: "archive/data.pkl", data: payload), .init(name: "archive/data/0", data: floats),
      .init(name: "archive/version", data: latin1("3\n")),
    ]
    change(&builder)
    return builder.bytes()
  }

  @Test func statesMembersAndQueuesAllButStorages() {
    let facts = readZip(Self.archive())
    #expect(facts.members.map(\.name) == ["archive/data.pkl", "archive/data/0", "archive/version"])
    #expect(facts.members.allSatisfy { $0.flags.isEmpty })
    #expect(facts.anomalies.isEmpty)
    #expect(facts.children.compactMap { facts.artifacts[$0.index]?.name } == ["archive/data.pkl", "archive/version"])
    #expect(facts.children.first?.format == "pickle")
  }

  @Test func offsetsReachTheDisk() throws {
    let bytes = Self.archive()
    let facts = readZip(bytes)
    let child = try #require(facts.children.first)
    let place = facts.artifacts.onDisk(child.index, ByteRange(0, 4))
    #expect(place.exact)
    #expect(Array(bytes[place.range.start..<place.range.end]) == Array(Self.payload.prefix(4)))
  }

  @Test(arguments: [
    ("traversal", "../../etc/x", MemberFact.Flag.traversal), ("absolute", "/etc/x", .absolute),
    ("drive", "C:\\x", .absolute), ("backslash", "a\\b", .backslash), ("bidi", "a\u{202e}b", .hidden),
    ("duplicate", "archive/version", .duplicate), ("case", "ARCHIVE/version", .caseVariant),
  ])
  func flagsNames(what: String, name: String, flag: MemberFact.Flag) {
    let facts = readZip(Self.archive { $0.members.append(.init(name: name, data: [1])) })
    #expect(facts.members.contains { $0.flags.contains(flag) }, "\(what): \(facts.members.map(\.flags))")
  }

  @Test(arguments: [
    ("name", MemberFact.Flag.nameMismatch), ("method", .methodMismatch), ("crc", .badChecksum),
    ("encrypted", .encrypted), ("reserved", .reservedFlags), ("link", .link), ("unlisted", .unlisted),
  ])
  func flagsLies(what: String, flag: MemberFact.Flag) {
    let facts = readZip(
      Self.archive {
        switch what {
        case "name": $0.members[0].centralName = "archive/other.pkl"
        case "method": $0.members[0].centralMethod = 99
        case "crc": $0.members[0].crc = 1
        case "encrypted": $0.members[0].centralFlags = 1
        case "reserved": $0.members[0].centralFlags = 0x20
        case "link": $0.members[0].attributes = 0o120777 << 16
        default: $0.members[0].listed = false
        }
      })
    #expect(facts.members.contains { $0.flags.contains(flag) }, "\(what): \(facts.members)")
    #expect(facts.children.contains { $0.source.prefix(64) == Self.payload }, "the payload is read whatever the flags")
  }

  @Test(arguments: [
    ("prefix", "zip.prepended-bytes"), ("tail", "zip.trailing-bytes"), ("cut", "zip.truncated"),
    ("comment", "zip.second-end-record"), ("method", "zip.unsupported-method"), ("encrypted", "zip.encrypted"),
  ])
  func statesAnomalies(what: String, subject: String) {
    var bytes = Self.archive {
      switch what {
      case "prefix": $0.prefix = latin1("MZ, not a zip yet")
      case "comment": $0.comment = Self.archive()
      case "method": $0.members[0].method = 12
      case "encrypted": $0.members[0].flags = 1
      default: break
      }
    }
    if what == "tail" { bytes += [1, 2, 3, 4] }
    if what == "cut" { bytes.removeLast(30) }
    let facts = readZip(bytes)
    #expect(facts.anomalies.contains { $0.subject == subject }, "\(what): \(facts.anomalies)")
    #expect(facts.children.contains { $0.source.prefix(64) == Self.payload })
  }

  @Test func readsBothOfTwoArchives() {
    let second = Self.archive { $0.members[0].data = latin1("N.") }
    let facts = readZip(Self.archive() + second)
    #expect(facts.children.contains { $0.source.prefix(64) == Self.payload })
    #expect(facts.children.contains { $0.source.prefix(64) == latin1("N.") })
  }

  @Test func anArchiveStoredInTheArchiveIsNoSecondOne() {
    let inner = Self.archive()
    let facts = readZip(Self.archive { $0.members.append(.init(name: "archive/inner.zip", data: inner)) })
    #expect(facts.anomalies.isEmpty, "\(facts.anomalies)")
    #expect(facts.members.count == 4)
  }

  @Test func aPickleAmongTheStoragesIsRead() {
    let facts = readZip(Self.archive { $0.members[1].data = latin1("\u{80}\u{02}cos\nsystem\n(S'x'\ntR.") })
    #expect(facts.children.count == 3)
  }

  @Test func survivesChanges() {
    let sample = Self.archive()
    for end in 0..<sample.count { check(Array(sample[..<end])) }
    for index in sample.indices {
      for value in [0, 0xff, sample[index] ^ 1, sample[index] ^ 0x80] as [UInt8] {
        var changed = sample
        changed[index] = value
        check(changed)
      }
    }
  }

  private func check(_ bytes: [UInt8]) {
    let facts = readZip(bytes)
    for fact in facts.facts { #expect(fact.range.end <= bytes.count) }
    for child in facts.children { _ = child.open(limits: .standard) }
  }

  @Test func deflatedMembersAreDecodedWhenRead() {
    // `N.` as a stored DEFLATE block.
    let block: [UInt8] = [1, 2, 0, 0xfd, 0xff] + latin1("N.")
    var builder = ZipBuilder()
    builder.members = [.init(name: "x.pkl", data: block, method: 8)]
    let facts = readZip(builder.bytes())
    let opened = facts.children.first?.open(limits: .standard)
    #expect(opened?.source.prefix(9) == latin1("N."))
    #expect(opened?.failure == nil)
  }
}
