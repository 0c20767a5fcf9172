import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

extension FactBuffer {
  fileprivate var tensors: [TensorFact] {
    facts.compactMap { fact in
      guard case .tensor(let tensor) = fact.payload else { return nil }
      return tensor
    }
  }
}

@Suite struct HDF5Tests {
  typealias Message = HDF5TestMessage

  static func read(_ bytes: [UInt8], limits: Limits = .standard) -> FactBuffer {
    MScanFormatsTests.read(HDF5Format.self, bytes, name: "m.h5", limits: limits)
  }

  static let chunked = Message.layout([3, 2, 2], .bytes(HDF5Writer.number(.max, 8) + [4, 0, 0, 0, 4, 0, 0, 0]))
  static let unallocated = Message.layout([3, 1], .bytes(HDF5Writer.number(.max, 8) + [UInt8](repeating: 0, count: 8)))

  /// A root group of one dataset `w` of `type`.
  static func dataset(
    type: [UInt8] = Message.float, _ dimensions: [UInt64], _ layout: Message, _ more: Message...
  ) -> [UInt8] {
    HDF5Writer.file([.hard("w", "w")]) { writer in
      writer.header("w", Message.dataset(type, dimensions, layout) + more)
      writer.label("data")
      writer.add([UInt8](repeating: 1, count: 16))
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let expected: [String]
    init(_ name: String, _ bytes: [UInt8], _ expected: [String] = []) {
      (testDescription, self.bytes, self.expected) = (name, bytes, expected)
    }
  }

  static let cases: [Case] = [
    Case("empty group", HDF5Writer.file([])),
    Case("dataset", dataset([4], .contiguous("data", 16))),
    Case("larger than its data", dataset([8], .contiguous("data", 16)), ["hdf5.size-mismatch"]),
    Case("compact", dataset(type: Message.byte, [2], .layout([3, 0, 2, 0, 7, 7])), ["hdf5.unaccounted-bytes"]),
    Case(
      "compact and too short", dataset(type: Message.byte, [3], .layout([3, 0, 2, 0, 7, 7])),
      ["hdf5.size-mismatch", "hdf5.unaccounted-bytes"]),
    Case("outside", dataset([4], .contiguous("end", 16)), ["hdf5.out-of-file!", "hdf5.unaccounted-bytes"]),
    Case(
      "claims much", dataset([1 << 20, 1 << 20], chunked), ["hdf5.claimed-size"]),
    Case("claims what no number holds", dataset([1 << 40, 1 << 40], chunked), ["hdf5.shape-overflow"]),
    Case(
      "claims much and has nothing", dataset([1 << 30], unallocated), ["hdf5.claimed-size", "hdf5.unaccounted-bytes"]),
    Case("claims little and has nothing", dataset([1 << 10], unallocated), ["hdf5.unaccounted-bytes"]),
    Case("layout of the future", dataset([4], .layout([9, 1])), ["hdf5.unsupported!", "hdf5.unaccounted-bytes"]),
    Case(
      "type of the future", dataset(type: [0x1f] + Message.float.dropFirst(), [4], .contiguous("data", 16)),
      ["hdf5.unsupported!", "hdf5.unaccounted-bytes"]),
    Case("an unknown message", HDF5Writer.file([Message(0x7e, .bytes([1]))]), ["hdf5.unknown-message"]),
    Case(
      "a link of an application", HDF5Writer.file([.link("x", type: 70, [1])]), ["hdf5.user-defined-link"]),
    Case("a group in itself", HDF5Writer.file([.hard("x", "root")]), ["hdf5.second-hard-link"]),
    Case("a link to nowhere", HDF5Writer.file([.hard("x", "end")]), ["hdf5.malformed!"]),
    Case("a link into the superblock", HDF5Writer.file([.hard("x", "none")]), ["hdf5.malformed!"]),
    Case(
      "a block that continues in itself",
      HDF5Writer.file([Message(16, .address("root"), .bytes(HDF5Writer.number(20, 8)))]),
      ["hdf5.overlap", "hdf5.malformed!"]),
    Case("an attribute without data", HDF5Writer.file([.attribute("a", Message.float)]), ["hdf5.truncated!"]),
    Case("a tail", HDF5Writer.file([]) + [1, 2, 3], []),
    Case("version 9", HDF5Writer.signature + [9] + [UInt8](repeating: 0, count: 40), ["hdf5.unsupported!"]),
    Case("zeros", HDF5Writer.signature + [UInt8](repeating: 0, count: 64), ["hdf5.placeholder"]),
    Case("no signature", [1, 2, 3], ["hdf5.malformed!"]),
    Case("signature only", HDF5Writer.signature, ["hdf5.truncated!"]),
  ]

  @Test(arguments: cases) func notes(_ sample: Case) {
    let sink = Self.read(sample.bytes)
    var expected = sample.expected
    if sample.testDescription == "a tail" { expected = ["hdf5.trailing-bytes"] }
    #expect(Set(sink.anomalySubjects) == Set(expected))
    #expect(sink.keepsTheLaws())
  }

  @Test func statesADataset() {
    let bytes = Self.dataset([4], .contiguous("data", 16))
    let range = ByteRange(bytes.count - 16, bytes.count)
    #expect(Self.read(bytes).tensors == [TensorFact(name: "w", dtype: "<f4", shape: [4], bytes: range)])
  }

  @Test func statesAttributes() {
    let sink = Self.read(
      HDF5Writer.file([
        .text("backend", "jax\0\0"),
        .attribute("n", Message.float, [], .bytes([0, 0, 0xc0, 0x3f])),
        .attribute("names", Message.string(2), [2], .bytes(Array("a\0bc".utf8))),
        .attribute("many", Message.byte, [3], .bytes([1, 2, 3])),
        .hard("g", "g"),
      ]) { writer in
        writer.header("g", [.attribute("x", Message.byte, [], .bytes([200]))])
      })
    #expect(sink.values == ["backend=jax", "n=1.5", "names=[2]", "names.0=a", "names.1=bc", "many=[3]", "g.x=200"])
    #expect(sink.facts.last?.place == .path("/g@x"))
    #expect(sink.anomalies.isEmpty)
  }

  /// A text of variable length lies in the global heap; JSON is a document of its own.
  static let keras = HDF5Writer.file([
    .attribute(
      "model_config", Message.variableString, [], .bytes([14, 0, 0, 0]), .address("heap"), .bytes([1, 0, 0, 0]))
  ]) { writer in
    writer.label("heap")
    writer.add("GCOL\u{1}\0\0\0")
    writer.add(64)
    writer.add([1, 0, 0, 0, 0, 0, 0, 0])
    writer.add(14)
    writer.add("{\"class\": \"x\"}\0\0")
    writer.add([UInt8](repeating: 0, count: 16))
  }

  @Test func findsJSON() {
    let sink = Self.read(Self.keras)
    #expect(sink.values == ["model_config={\"class\": \"x\"}"])
    #expect(sink.children.map(\.format) == ["json"])
    #expect(sink.children.first?.source.prefix(99) == Array("{\"class\": \"x\"}".utf8))
    #expect(sink.artifacts[1]?.name == "model_config")
  }

  @Test func findsPickles() {
    let pickle = latin1("\u{80}\u{4}cos\nsystem\n(S'x'\ntR.")
    let old = latin1("cos\nsystem\n(S'x'\ntR.")
    let bytes = HDF5Writer.file([
      .attribute("a", Message.string(old.count), [], .bytes(old)),
      .attribute("b", Message.byte, [UInt64(pickle.count)], .bytes(pickle)),
      .text("prose", "This is a sentence. It ends with a full stop."),
    ])
    #expect(Self.read(bytes).children.map(\.format) == ["pickle", "pickle"])
  }

  @Test func findsWhatIsElsewhere() {
    let external = latin1("\0../x.h5\0/d\0")
    let sink = Self.read(
      HDF5Writer.file([.link("s", type: 1, latin1("/w/x")), .link("e", type: 64, external), .hard("w", "w")]) {
        writer in
        let files = HDF5TestMessage(
          7, .bytes([1, 0, 0, 0, 1, 0, 1, 0]), .address("heap"), .bytes([UInt8](repeating: 0, count: 24)))
        writer.header("w", Message.dataset(Message.byte, [4], Self.unallocated) + [files])
        writer.label("heap")
        writer.add("HEAP\0\0\0\0")
        writer.add(16)
        writer.add(1)
        writer.address("names")
        writer.label("names")
        writer.add("/etc/hostname\0\0\0")
      })
    #expect(
      sink.references == [
        "hdf5.soft-link=/w/x", "hdf5.external-link=../x.h5", "hdf5.external-file=/etc/hostname",
      ])
  }

  @Test func namesFilters() {
    let filters = HDF5TestMessage(
      11, .bytes([2, 2, 1, 0, 0, 0, 1, 0, 9, 0, 0, 0, 0x0f, 0x7d, 5, 0, 0, 0, 0, 0] + latin1("zstd\0")))
    let sink = Self.read(Self.dataset([4], Self.chunked, filters))
    let operations = sink.facts.compactMap { fact -> [String]? in
      guard case .operation(let operation) = fact.payload else { return nil }
      return [operation.name] + operation.arguments
    }
    #expect(operations == [["filter.1"], ["filter.32015", "zstd"]])
  }

  @Test func readsBehindAUserBlock() {
    var bytes = [UInt8](repeating: 0, count: 1024)
    bytes.replaceSubrange(0..<4, with: latin1("#!/x"))
    var writer = HDF5Writer()
    writer.superblock(base: 1024)
    writer.header("root", [.text("a", "b")])
    var file = writer.bytes
    // The end counts from the start of the file.
    file.replaceSubrange(28..<36, with: HDF5Writer.number(UInt64(file.count + 1024), 8))
    let sink = Self.read(bytes + file)
    #expect(sink.values == ["a=b"])
    #expect(sink.children.count == 1 && sink.artifacts[1]?.name == "user block")
    #expect(sink.anomalies.isEmpty)
    #expect(Identify.identify(ByteSource(bytes + file), name: "m.h5").format == "hdf5")
  }

  /// Nine links in a fractal heap, found through a B-tree of version 2.
  static let dense: [UInt8] = {
    let message = HDF5TestMessage(2, .bytes([0, 0]), .address("heap"), .address("tree"))
    return HDF5Writer.file([message]) { writer in
      writer.label("heap")
      writer.add("FRHP\0\u{7}\0\0\0\0")
      writer.add(4096, 4)
      for value in [0, UInt64.max, 0, .max] + [UInt64](repeating: 0, count: 8) { writer.add(value) }
      writer.add([4, 0])
      writer.add(64)
      writer.add(65536)
      writer.add([32, 0, 1, 0])
      writer.address("block")
      writer.add([0, 0, 0, 0, 0, 0])
      writer.label("block")
      writer.add("FHDB\0")
      writer.address("heap")
      writer.add([0, 0, 0, 0])
      // Offset 17 of the block.
      writer.add([1, 8, 1, 1] + latin1("s") + [2, 0] + latin1("/x"))
      writer.add([UInt8](repeating: 0, count: 38))
      writer.label("tree")
      writer.add("BTHD\0\u{5}")
      writer.add(64, 4)
      writer.add([11, 0, 0, 0, 100, 40])
      writer.address("leaf")
      writer.add([1, 0])
      writer.add(1)
      writer.add([0, 0, 0, 0])
      writer.label("leaf")
      writer.add("BTLF\0\u{5}")
      writer.add([0, 0, 0, 0, 0, 17, 0, 0, 0, 9, 0])
      writer.add([UInt8](repeating: 0, count: 47))
    }
  }()

  @Test func readsDenseLinks() {
    let sink = Self.read(Self.dense)
    #expect(sink.references == ["hdf5.soft-link=/x"])
    #expect(sink.anomalies.isEmpty)
  }

  @Test func stopsAtLimits() {
    var limits = Limits.standard
    limits.hdf5Objects = 2
    let links = (0..<4).map { Message.link("s\($0)", type: 1, latin1("/x")) }
    #expect(Self.read(HDF5Writer.file(links), limits: limits).anomalySubjects == ["limit.hdf5Objects!"])
    limits = .standard
    limits.hdf5Structures = 64
    #expect(Self.read(HDF5Writer.file(links), limits: limits).anomalySubjects.contains("limit.hdf5Structures!"))
    limits = .standard
    limits.nesting = 4
    let deep = HDF5Writer.file([.hard("g", "g0")]) { writer in
      for level in 0..<9 { writer.header("g\(level)", [.hard("g", "g\(level + 1)")]) }
      writer.header("g9", [])
    }
    #expect(Self.read(deep, limits: limits).anomalySubjects.contains("limit.nesting!"))
    #expect(Self.read(deep).anomalies.isEmpty)
    // A type in a type in a type.
    let array: [UInt8] = [0x3a, 0, 0, 0, 1, 0, 0, 0, 0]
    let nested = (0..<9).flatMap { _ in array } + Message.byte
    let sink = Self.read(HDF5Writer.file([.attribute("a", nested, [], .bytes([1]))]), limits: limits)
    #expect(sink.anomalySubjects == ["limit.nesting!"])
  }

  static let types: [(bytes: [UInt8], text: String)] = {
    let array: [UInt8] = [0x3a, 0, 0, 0, 6, 0, 0, 0, 2, 2, 0, 0, 0, 3, 0, 0, 0] + Message.byte
    let sequence: [UInt8] = [0x19, 0, 0, 0, 16, 0, 0, 0] + Message.byte
    let enumeration: [UInt8] = [0x38, 2, 0, 0, 1, 0, 0, 0] + Message.byte + latin1("A\0B\0") + [0, 1]
    let first: [UInt8] = latin1("a\0") + [0] + Message.float
    let second: [UInt8] = latin1("b\0") + [4] + Message.byte
    let compound: [UInt8] = [0x36, 2, 0, 0, 5, 0, 0, 0] + first + second
    let gap = [UInt8](repeating: 0, count: 32)
    let old: [UInt8] = [0x16, 1, 0, 0, 1, 0, 0, 0] + latin1("a\0\0\0\0\0\0\0") + gap + Message.byte
    return [
      (Message.byte, "|u1"), (Message.float, "<f4"), ([0x10, 9, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0], ">i2"),
      (Message.string(12), "S12"), (Message.variableString, "string"), ([0x15, 0, 0, 0, 3, 0, 0, 0], "V3"),
      ([0x17, 0, 0, 0, 8, 0, 0, 0], "reference"), (array, "|u1[2,3]"), (sequence, "|u1[]"),
      (enumeration, "enum |u1"), (compound, "{a: <f4, b: |u1}"), (old, "{a: |u1}"),
    ]
  }()

  @Test(arguments: types)
  func namesTypes(_ bytes: [UInt8], _ text: String) throws {
    var cursor = ByteCursor(bytes)
    #expect(try HDF5Datatype.read(&cursor, nesting: 8).text == text)
    #expect(cursor.isAtEnd)
  }

  @Test func noSurprise() {
    expectNoSurprise(HDF5Format.self, Self.keras, name: "m.h5")
    expectNoSurprise(HDF5Format.self, Self.dense, name: "m.h5")
    expectNoSurprise(HDF5Format.self, Self.dataset([4], .contiguous("data", 16)), name: "m.h5")
  }
}
