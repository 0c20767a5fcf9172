import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// What the dialects of tar have that others have not, as GNU tar and Python's `tarfile` write it.
@Suite struct TarDialectTests {
  /// A header with fields put in it, and its checksum.
  static func header(_ name: String, size: Int, type: UInt8, _ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
    var block = Array(TarTests.entry(name, [], type: type)[..<512])
    block.replaceSubrange(124..<136, with: octal(size))
    change(&block)
    block.replaceSubrange(148..<156, with: latin1("        "))
    let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
    block.replaceSubrange(148..<156, with: latin1(String(repeating: "0", count: 6 - sum.count) + sum + "\0 "))
    return block
  }

  static func octal(_ value: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return latin1(String(repeating: "0", count: 11 - digits.count) + digits + "\0")
  }

  static func pax(_ records: [(String, String)], type: UInt8 = 0x78) -> [UInt8] {
    let text = records.map { key, value in
      let body = " \(key)=\(value)\n".utf8.count
      let length = [body + 1, body + 2, body + 3].first { String($0).utf8.count + body == $0 } ?? 0
      return "\(length) \(key)=\(value)\n"
    }
    return TarTests.entry("PaxHeaders/x", latin1(text.joined()), type: type)
  }

  private func content(_ facts: FactBuffer) -> [[UInt8]] { facts.children.map { $0.source.prefix(4096) } }

  private static let holes = latin1("AB") + [0, 0, 0, 0] + latin1("CD") + [0, 0]

  @Test func oldSparse() {
    let header = Self.header("s", size: 4, type: 0x53) {
      $0.replaceSubrange(386..<398, with: Self.octal(0))
      $0.replaceSubrange(398..<410, with: Self.octal(2))
      $0.replaceSubrange(410..<422, with: Self.octal(6))
      $0.replaceSubrange(422..<434, with: Self.octal(2))
      $0.replaceSubrange(483..<495, with: Self.octal(10))
    }
    let facts = TarTests.read(
      header + latin1("ABCD") + [UInt8](repeating: 0, count: 508) + TarTests.entry("t", [1]) + TarTests.end)
    #expect(content(facts) == [Self.holes, [1]])
    #expect(facts.anomalySubjects == ["tar.sparse"])
  }

  @Test func oldSparseWithMoreBlocks() {
    let header = Self.header("s", size: 2, type: 0x53) {
      $0[482] = 1
      $0.replaceSubrange(483..<495, with: Self.octal(7))
    }
    var block = [UInt8](repeating: 0, count: 512)
    block.replaceSubrange(0..<12, with: Self.octal(5))
    block.replaceSubrange(12..<24, with: Self.octal(2))
    let facts = TarTests.read(
      header + block + latin1("AB") + [UInt8](repeating: 0, count: 510) + TarTests.entry("t", [1]) + TarTests.end)
    #expect(content(facts) == [[0, 0, 0, 0, 0] + latin1("AB"), [1]])
  }

  @Test(arguments: ["0.0", "0.1", "1.0"]) func paxSparse(version: String) {
    var data = latin1("ABCD")
    var records: [(String, String)] = [("GNU.sparse.name", "real"), ("GNU.sparse.size", "10")]
    switch version {
    case "0.0":
      for (offset, count) in [(0, 2), (6, 2)] {
        records += [("GNU.sparse.offset", "\(offset)"), ("GNU.sparse.numbytes", "\(count)")]
      }
    case "0.1": records.append(("GNU.sparse.map", "0,2,6,2"))
    default:
      records += [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "10")]
      let map = latin1("2\n0\n2\n6\n2\n")
      data = map + [UInt8](repeating: 0, count: 512 - map.count) + data
    }
    let facts = TarTests.read(Self.pax(records) + TarTests.entry("stored", data) + TarTests.end)
    #expect(content(facts) == [Self.holes])
    #expect(facts.members.map(\.name) == ["real"])
    #expect(facts.anomalySubjects == ["tar.sparse"])
  }

  @Test(arguments: [
    [("GNU.sparse.map", "0,2,1,2"), ("GNU.sparse.size", "10")], [("GNU.sparse.map", "0,9"), ("GNU.sparse.size", "9")],
    [("GNU.sparse.map", "0"), ("GNU.sparse.size", "9")], [("GNU.sparse.map", "0,2"), ("GNU.sparse.size", "-1")],
    [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")],
    [("GNU.sparse.map", "9223372036854775807,4"), ("GNU.sparse.size", "9223372036854775807")],
  ])
  func brokenMaps(records: [(String, String)]) {
    let facts = TarTests.read(Self.pax(records) + TarTests.entry("s", latin1("ABCD")) + TarTests.end)
    #expect(facts.anomalySubjects == ["tar.sparse!"])
    #expect(content(facts) == [latin1("ABCD")], "what is stored is read")
  }

  @Test func sparseBombs() {
    let records = [("GNU.sparse.map", "0,4"), ("GNU.sparse.size", "10000000000")]
    let facts = TarTests.read(Self.pax(records) + TarTests.entry("s", latin1("ABCD")) + TarTests.end)
    #expect(facts.anomalySubjects.contains("limit.memberBytes!"))
    let smaller = [("GNU.sparse.map", "0,4"), ("GNU.sparse.size", "2000000")]
    let bounded = TarTests.read(Self.pax(smaller) + TarTests.entry("s", latin1("ABCD")) + TarTests.end)
    #expect(bounded.anomalySubjects.contains("limit.expansionRatio!"))
  }

  @Test(arguments: [
    (latin1("      12 \0   "), 10), (latin1("0o17\0       "), 15), (latin1("1_0\0        "), 8),
    ([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2], 258), ([UInt8](repeating: 0, count: 12), 0),
    ([UInt8](repeating: 0xff, count: 12), -1), (latin1("-7\0         "), -7),
  ])
  func numbers(field: [UInt8], value: Int) { #expect(TarHeader.number(field[...]) == value) }

  @Test(arguments: [latin1("9\0"), latin1("x"), [0x80] + [UInt8](repeating: 0xff, count: 11), latin1("0o")])
  func noNumbers(field: [UInt8]) { #expect(TarHeader.number(field[...]) == nil) }

  @Test func sumsOfSignedBytes() {
    var block = Self.header("n\u{0}", size: 0, type: 0x30) { $0[50] = 0xe9 }
    block.replaceSubrange(148..<156, with: latin1("        "))
    let sum = String(block.reduce(0) { $0 + Int(Int8(bitPattern: $1)) }, radix: 8)
    block.replaceSubrange(148..<156, with: latin1(String(repeating: "0", count: 6 - sum.count) + sum + "\0 "))
    #expect(TarHeader(block) != nil)
  }

  @Test func theOldestHeaders() {
    let v7 = Self.header("folder/", size: 0, type: 0) {
      $0.replaceSubrange(257..<512, with: repeatElement(0, count: 255))
    }
    let file = Self.header("folder/a", size: 1, type: 0) {
      $0.replaceSubrange(257..<512, with: repeatElement(0, count: 255))
    }
    let facts = TarTests.read(v7 + file + [7] + [UInt8](repeating: 0, count: 511) + TarTests.end)
    #expect(facts.members.map(\.name) == ["folder/", "folder/a"])
    #expect(content(facts) == [[7]])
  }

  @Test func typesOfNobodyAreFiles() {
    let facts = TarTests.read(TarTests.entry("a", [1, 2], type: 0x5a) + TarTests.end)
    #expect(content(facts) == [[1, 2]])
  }

  @Test(arguments: [UInt8(0x33), 0x34, 0x36]) func devices(type: UInt8) {
    let facts = TarTests.read(TarTests.entry("d", [], type: type) + TarTests.end)
    #expect(facts.members.first?.flags == [.device])
  }

  @Test func hardLinksThatEscape() {
    let facts = TarTests.read(TarTests.entry("a/b", [], type: 0x31, link: "../x") + TarTests.end)
    #expect(facts.members.first?.flags == [.link, .traversal, .linkEscapes])
    let inside = TarTests.read(TarTests.entry("a/b", [], type: 0x32, link: "c") + TarTests.end)
    #expect(inside.members.first?.flags == [.link, .linkInside])
  }

  @Test func archivesBehindOneAnother() {
    let facts = TarTests.read(TarTests.entry("a", [1]) + TarTests.end + TarTests.entry("b", [2]) + TarTests.end)
    #expect(facts.members.map(\.name) == ["a", "b"])
    #expect(facts.anomalySubjects == ["tar.second-archive"])
  }

  @Test func globalHeaders() {
    let harmless = TarTests.read(Self.pax([("comment", "x")], type: 0x67) + TarTests.entry("a", [1]) + TarTests.end)
    #expect(harmless.anomalies.isEmpty)
    let path = TarTests.read(Self.pax([("path", "/etc/x")], type: 0x67) + TarTests.entry("a", [1]) + TarTests.end)
    #expect(path.anomalySubjects == ["tar.global-override"])
  }

  @Test func sizesThatDisagree() {
    let facts = TarTests.read(Self.pax([("size", "0")]) + TarTests.entry("a", [1]) + TarTests.end)
    #expect(facts.anomalySubjects.first == "tar.size-override")
  }

  @Test(arguments: [TarTests.end, [UInt8](repeating: 0, count: 512)]) func nothingIsNotClean(bytes: [UInt8]) {
    #expect(TarTests.read(bytes).anomalySubjects == ["tar.empty!"])
  }

  @Test func pathsThatAreOneFile() {
    let facts = TarTests.read(TarTests.entry("./w.ckpt", [1]) + TarTests.entry("w.ckpt", [2]) + TarTests.end)
    #expect(facts.members.last?.flags == [.duplicate])
  }

  @Test func survivesChanges() {
    let records: [(String, String)] = [
      ("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10"), ("GNU.sparse.name", "real"),
    ]
    let map = latin1("1\n0\n2\n")
    let sample =
      Self.pax(records) + TarTests.entry("s", map + [UInt8](repeating: 0, count: 512 - map.count) + latin1("AB"))
    for end in stride(from: 0, to: sample.count, by: 5) { check(Array(sample[..<end])) }
    for index in sample.indices where sample[index] != 0 || index % 16 == 0 {
      for value in [0, 0xff, sample[index] ^ 1, sample[index] ^ 0x80] as [UInt8] {
        var changed = sample
        changed[index] = value
        check(changed)
      }
    }
  }

  private func check(_ bytes: [UInt8]) { #expect(TarTests.read(bytes).keepsTheLaws()) }
}
