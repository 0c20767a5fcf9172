import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct TarTests {
  static func entry(_ name: String, _ data: [UInt8], type: UInt8 = 0x30, link: String = "") -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    block.replaceSubrange(0..<min(100, name.utf8.count), with: Array(name.utf8.prefix(100)))
    block.replaceSubrange(157..<(157 + link.utf8.count), with: Array(link.utf8))
    let size = String(data.count, radix: 8)
    block.replaceSubrange(124..<136, with: latin1(String(repeating: "0", count: 11 - size.count) + size + "\0"))
    block[156] = type
    block.replaceSubrange(257..<265, with: latin1("ustar\u{0}00"))
    block.replaceSubrange(148..<156, with: latin1("        "))
    let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
    block.replaceSubrange(148..<156, with: latin1(String(repeating: "0", count: 6 - sum.count) + sum + "\0 "))
    let padding = (512 - data.count % 512) % 512
    return block + data + [UInt8](repeating: 0, count: padding)
  }

  static let end = [UInt8](repeating: 0, count: 1024)

  static func read(_ bytes: [UInt8]) -> FactBuffer {
    var sink = FactBuffer()
    let row = sink.artifacts.append(Artifact(name: "model.pth", format: TarFormat.id, size: bytes.count))
    TarFormat.read(ArtifactInput(index: row, source: ByteSource(bytes), name: "model.pth"), into: &sink)
    return sink
  }

  @Test func membersAreReadInPlace() {
    let pickle = latin1("\u{80}\u{02}cos\nsystem\n.")
    let facts = Self.read(Self.entry("pickle", pickle) + Self.entry("storages", [1, 2, 3]) + Self.end)
    #expect(facts.members.map(\.name) == ["pickle", "storages"])
    #expect(facts.anomalies.isEmpty)
    #expect(facts.children.first?.source.prefix(64) == pickle)
  }

  @Test(arguments: [
    ("../x", UInt8(0x30), "", MemberFact.Flag.traversal), ("/etc/x", 0x30, "", .absolute), ("a", 0x32, "b", .link),
    ("a", 0x32, "/etc/passwd", .traversal), ("pickle", 0x30, "", .duplicate),
  ])
  func flags(name: String, type: UInt8, link: String, flag: MemberFact.Flag) {
    let facts = Self.read(
      Self.entry("pickle", [1]) + Self.entry(name, type == 0x32 ? [] : [1], type: type, link: link) + Self.end)
    #expect(facts.members.last?.flags.contains(flag) == true)
  }

  @Test func longNames() {
    let long = String(repeating: "a", count: 150)
    let pax = "160 path=\(long)\n"
    #expect(Self.read(Self.entry("@", latin1(long), type: 0x4c) + Self.entry("s", [1])).members.map(\.name) == [long])
    #expect(Self.read(Self.entry("@", latin1(pax), type: 0x78) + Self.entry("s", [1])).members.map(\.name) == [long])
  }

  @Test(arguments: [
    ("cut", "tar.truncated"), ("checksum", "tar.malformed"), ("tail", "tar.trailing-bytes"), ("sparse", "tar.sparse"),
  ])
  func anomalies(what: String, subject: String) {
    var bytes = Self.entry("a", [UInt8](repeating: 7, count: 700)) + Self.end
    switch what {
    case "cut": bytes = Array(bytes[..<1000])
    case "checksum": bytes = Self.entry("a", [1]) + [UInt8](repeating: 0x41, count: 512)
    case "sparse": bytes = Self.entry("a", [1], type: 0x53) + Self.end
    default: bytes += [1]
    }
    #expect(Self.read(bytes).anomalies.map(\.subject) == [subject])
  }

  @Test func survivesChanges() {
    let sample = Self.entry("p", latin1("cos\nsystem\n.")) + Self.entry("../q", [1], type: 0x32, link: "/x") + Self.end
    for end in stride(from: 0, to: sample.count, by: 7) { check(Array(sample[..<end])) }
    for index in sample.indices {
      for value in [0, 0xff, sample[index] ^ 1, sample[index] ^ 0x80] as [UInt8] {
        var changed = sample
        changed[index] = value
        check(changed)
      }
    }
  }

  private func check(_ bytes: [UInt8]) {
    for fact in Self.read(bytes).facts { #expect(fact.range.end <= bytes.count) }
  }
}
