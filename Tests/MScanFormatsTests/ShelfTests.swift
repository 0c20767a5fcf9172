import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct ShelfTests {
  static let plain = latin1("\u{80}\u{4}K\u{1}.")
  static let call = latin1("\u{80}\u{4}\u{8c}\u{2}os\u{8c}\u{6}system\u{93}\u{8c}\u{4}true\u{85}R.")

  static func blocks(_ values: [[UInt8]]) -> [UInt8] {
    values.flatMap { $0 + [UInt8](repeating: 0, count: (512 - $0.count % 512) % 512) }
  }

  private func children(_ sink: FactBuffer) -> [[UInt8]] { sink.children.map { $0.source.prefix(9999) } }

  @Test func dumbHoldsEachValue() {
    let sink = read(PickleFormat.self, Self.blocks([Self.plain, Self.call, Self.plain]), name: "shelf.dat")
    #expect(children(sink) == [Self.plain, Self.call, Self.plain] && sink.artifacts[0]?.layout == ["dbm-dumb"])
    #expect(PickleLoaders.of(1, in: sink.artifacts) == ["shelve.open, when the entry is read"])
  }

  /// The tail of an older, longer value belongs to the block of the new one.
  @Test func dumbKeepsOldTails() {
    let old = Self.blocks([Self.plain, Self.call]) + Self.call + latin1("tail")
    let sink = read(PickleFormat.self, old, name: "shelf.dat")
    #expect(children(sink) == [Self.plain, Self.call, Self.call + latin1("tail")])
  }

  @Test func onePickleIsNoShelf() {
    let sink = read(PickleFormat.self, Self.blocks([Self.call]) + [0], name: "model.dat")
    #expect(sink.children.isEmpty && sink.anomalySubjects == ["pickle.trailing-zeros"])
  }

  @Test(
    arguments: [
      ([0xcf, 0x9a, 0x57, 0x13] + [UInt8](repeating: 0, count: 40), "dbm-gnu"),
      ([0x13, 0x57, 0x9a, 0xce] + [UInt8](repeating: 0, count: 40), "dbm-gnu"),
      ([UInt8](repeating: 0, count: 12) + [0x61, 0x15, 6, 0] + [UInt8](repeating: 0, count: 40), "berkeley-db"),
      ([0, 5, 0x31, 0x62] + [UInt8](repeating: 0, count: 40), "berkeley-db"),
    ] as [([UInt8], String)])
  func carvesDatabases(_ head: [UInt8], _ format: String) throws {
    let bytes = head + latin1("key") + Self.call + latin1("other") + Self.call + [0xff]
    #expect(Identify.identify(ByteSource(bytes), name: "shelf").format == format)
    let reader = try #require(FormatList.named(format))
    let sink = read(reader, bytes, name: "shelf")
    #expect(children(sink) == [Self.call, Self.call] && sink.anomalySubjects.isEmpty)
    expectNoSurprise(reader, Array(bytes.prefix(100)), name: "shelf")
  }

  @Test func saysWhatIsCut() {
    let cut = [UInt8](repeating: 0, count: 30) + latin1("\u{80}\u{4}\u{95}\0\u{1}\0\0\0\0\0\0\u{8c}\u{2}o") + [0xff]
    #expect(read(GNUDBMFormat.self, cut, name: "s").anomalySubjects == ["shelf.fragment!"])
  }

  /// A page of one table with one row: key `a`, value the pickle; then its overflow pages.
  static func sqlite(_ value: [UInt8]) -> [UInt8] {
    let type = value.count * 2 + 12
    let varint = type < 128 ? [UInt8(type)] : [UInt8(0x80 | type >> 7), UInt8(type & 0x7f)]
    let payload = [UInt8(2 + varint.count), 14] + varint + [0x61] + value
    var page = latin1("SQLite format 3\0") + [2, 0, 1, 1, 0] + [UInt8](repeating: 0, count: 79)
    page += [0x0d, 0, 0, 0, 1, 0, 0, 0]
    let size =
      payload.count < 128 ? [UInt8(payload.count)] : [UInt8(0x80 | payload.count >> 7), UInt8(payload.count & 0x7f)]
    let most = 512 - 35
    let kept = 39 + (payload.count - 39) % 508
    let local = payload.count <= most ? payload.count : kept <= most ? kept : 39
    page += [UInt8((512 - local - 8) >> 8), UInt8((512 - local - 8) & 0xff)]
    page += [UInt8](repeating: 0, count: 512 - local - 8 - page.count)
    page += size + [1] + payload[..<local]
    var rest = payload[local...]
    var next: UInt8 = 2
    page += [0, 0, 0, rest.isEmpty ? 0 : next]
    page += [UInt8](repeating: 0, count: 512 - page.count)
    while !rest.isEmpty {
      let part = rest.prefix(508)
      rest = rest.dropFirst(508)
      next += 1
      page += [0, 0, 0, rest.isEmpty ? 0 : next] + part + [UInt8](repeating: 0, count: 508 - part.count)
    }
    return page
  }

  @Test(arguments: [0, 300, 560]) func sqliteHoldsEachValue(_ padding: Int) {
    let value =
      latin1("\u{80}\u{4}T") + [UInt8(padding & 0xff), UInt8(padding >> 8), 0, 0]
      + [UInt8](repeating: 0x61, count: padding) + latin1("0") + Self.call
    let bytes = Self.sqlite(value)
    #expect(Identify.identify(ByteSource(bytes), name: "shelf.db").format == "sqlite")
    let sink = read(SQLiteFormat.self, bytes, name: "shelf.db")
    #expect(children(sink) == [value] && sink.anomalySubjects.isEmpty)
    #expect(sink.artifacts[1]?.encoding == (padding > 400 ? .pieces : .stored))
  }

  @Test func sqliteWithoutPicklesIsQuiet() {
    let sink = read(SQLiteFormat.self, Self.sqlite(latin1("only text")), name: "shelf.db")
    #expect(sink.children.isEmpty && sink.anomalySubjects.isEmpty)
  }

  @Test func noSurprise() {
    expectNoSurprise(SQLiteFormat.self, Self.sqlite(Self.call), name: "shelf.db")
    let circle = Self.sqlite(latin1("\u{80}\u{4}T") + [0xff, 3, 0, 0] + [UInt8](repeating: 0, count: 1100))
    expectNoSurprise(SQLiteFormat.self, Array(circle.prefix(1024)), name: "shelf.db")
    expectNoSurprise(PickleFormat.self, Self.blocks([Self.call, Self.call]), name: "shelf.dat")
  }
}

@Suite struct EncodedTextTests {
  static let call = latin1("\u{80}\u{4}\u{8c}\u{2}os\u{8c}\u{6}system\u{93}\u{8c}\u{4}true\u{85}R.")
  static let textCall = latin1("cos\nsystem\n(S'true'\ntR.")

  static func base64(_ bytes: [UInt8], urlSafe: Bool = false, pad: Bool = true) -> String {
    var letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    if urlSafe { letters.replaceSubrange(62..., with: ["-", "_"]) }
    var out = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(bytes.count, start + 3)]
      let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for step in 0...group.count { out.append(letters[value >> (18 - 6 * step) & 63]) }
      if pad, group.count < 3 { out += String(repeating: "=", count: 3 - group.count) }
    }
    return out
  }

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func wrapped(_ text: String, at width: Int, indent: String = "", end: String = "\n") -> String {
    let all = Array(text)
    return stride(from: 0, to: all.count, by: width).map { indent + String(all[$0..<min(all.count, $0 + width)]) }
      .joined(separator: end)
  }

  static func found(_ text: String) -> [[UInt8]] {
    EncodedText.payloads(in: Array(text.utf8), limits: .standard).found.map(\.bytes)
  }

  static let long = latin1("\u{80}\u{4}X\u{c8}\0\0\0") + [UInt8](repeating: 0x3f, count: 200) + latin1("0") + call

  @Test(arguments: [
    base64(call), base64(call, pad: false), "\"\(base64(call))\"", "x = b'\(base64(call))'",
    "data:application/octet-stream;base64,\(base64(call))", "KEY=\(base64(call))", "- \(base64(call))",
    hex(call), hex(call).uppercased(), "0x" + hex(call),
  ])
  func finds(_ text: String) { #expect(Self.found(text) == [Self.call], "\(text)") }

  @Test(arguments: [
    base64(long), base64(long, urlSafe: true), wrapped(base64(long), at: 76),
    wrapped(base64(long), at: 64, indent: "  "),
    wrapped(base64(long), at: 60, end: "\r\n"),
    "key: |\n" + wrapped(base64(long), at: 76, indent: "    ") + "\nother: 1",
    wrapped(hex(long), at: 64), String(repeating: "-", count: 70) + "\n" + base64(long),
    String(repeating: "_", count: 64) + "\n" + wrapped(base64(long), at: 76),
  ])
  func findsLong(_ text: String) { #expect(Self.found(text).first?.prefix(long.count) == long[...], "\(text)") }

  private var long: [UInt8] { Self.long }

  @Test func findsWhatHasNoMagicNumber() {
    #expect(Self.found(Self.base64(Self.textCall)) == [Self.textCall])
    #expect(Self.found(Self.hex(Self.textCall)) == [Self.textCall])
    let hidden = latin1("N0N0I1\n0") + Self.textCall
    #expect(Self.found(Self.base64(hidden)) == [hidden])
  }

  @Test(arguments: [
    "", "abc", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "thisIsAVeryLongIdentifierInSomeSource",
    "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", String(repeating: "-", count: 300), String(repeating: "A", count: 3000),
    "group-display-name-terminator", "legacy_contiguous_format", "groupUsingListAllMatches",
    "82c72e2db7bc5b633768d59822f2e2a353fa6e32",
    "https://example.invalid/some/rather/long/path/to/a/model/file", "gAAAAABhZ0FBQUFBQUFBQUFBQUFBQUFBQUFBQQ",
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", "c2l4dGVlbiBjYW5kbGVzdGlja3Mgb24gdGhlIHdhbGw=",
  ])
  func isQuiet(_ text: String) { #expect(Self.found(text).isEmpty, "\(text)") }

  @Test func runsAreBounded() {
    var limits = Limits.standard
    limits.encodedTexts = 2
    let text = Array(String(repeating: Self.base64(Self.call) + "\n\n", count: 4).utf8)
    let (found, isWhole) = EncodedText.payloads(in: text, limits: limits)
    #expect(found.count == 2 && !isWhole)
    limits.heldBytes = 8
    #expect(EncodedText.payloads(in: text, limits: limits).found.isEmpty)
  }

  @Test func placesInText() throws {
    let text = "first line\n  key: \(Self.base64(Self.call))\n"
    var sink = FactBuffer()
    let row = sink.artifacts.append(Artifact(name: "a.yaml", format: "yaml", size: text.utf8.count))
    EncodedText.search(ArtifactInput(index: row, source: ByteSource(Array(text.utf8)), name: "a.yaml"), into: &sink)
    let fact = try #require(sink.facts.first)
    #expect(fact.place == .line(2, column: 8, path: nil) && fact.range.start == 18)
    #expect(sink.children.map(\.format) == ["pickle"] && sink.artifacts[1]?.encoding == .base64 && sink.keepsTheLaws())
    #expect(PickleLoaders.of(1, in: sink.artifacts) == ["whatever decodes the text"])
  }

  @Test func placesInJSON() throws {
    let plain = readJSON("{\"a\": {\"b\": \"\(Self.base64(Self.call))\"}}")
    let fact = try #require(plain.facts.first { $0.subjects == ["text.encoded-payload"] })
    #expect(fact.place == .line(1, column: 13, path: "/a/b") && fact.range.start == 13)
    let escaped = readJSON("{\"a\": \"\(Self.base64(Self.call).replacing("g", with: "\\u0067"))\"}")
    #expect(escaped.children.map { $0.source.prefix(99) } == [Self.call] && escaped.keepsTheLaws())
    expectNoSurprise(JSONFormat.self, Array("{\"a\": \"\(Self.base64(Self.call))\"}".utf8), name: "a.json")
  }
}
