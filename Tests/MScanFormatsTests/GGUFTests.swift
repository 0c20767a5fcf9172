import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// Writes GGUF for tests, field by field.
struct GGUFWriter {
  var version: UInt32 = 3
  var isBigEndian = false
  private(set) var bytes: [UInt8] = []

  init(tensors: UInt64 = 0, keys: UInt64 = 0, version: UInt32 = 3, isBigEndian: Bool = false) {
    (self.version, self.isBigEndian) = (version, isBigEndian)
    bytes = Array("GGUF".utf8)
    number(UInt64(version), 4)
    size(tensors)
    size(keys)
  }

  mutating func number(_ value: UInt64, _ width: Int) {
    let digits = (0..<width).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    bytes += isBigEndian ? digits.reversed() : digits
  }

  mutating func size(_ value: UInt64) { number(value, version == 1 ? 4 : 8) }

  mutating func string(_ text: String, length: UInt64? = nil) {
    size(length ?? UInt64(text.utf8.count))
    bytes += Array(text.utf8)
  }

  func key(_ name: String, _ type: UInt64, _ value: UInt64, _ width: Int) -> GGUFWriter {
    var copy = self
    copy.string(name)
    copy.number(type, 4)
    copy.number(value, width)
    return copy
  }

  func key(_ name: String, text: String, length: UInt64? = nil) -> GGUFWriter {
    var copy = self
    copy.string(name)
    copy.number(8, 4)
    copy.string(text, length: length)
    return copy
  }

  /// An array of one-byte numbers or of texts.
  func key(_ name: String, type: UInt64, count: UInt64, _ elements: [UInt8]) -> GGUFWriter {
    var copy = self
    copy.string(name)
    copy.number(9, 4)
    copy.number(type, 4)
    copy.size(count)
    copy.bytes += elements
    return copy
  }

  func tensor(_ name: String, _ shape: [UInt64], type: UInt64 = 0, at offset: UInt64 = 0) -> GGUFWriter {
    var copy = self
    copy.string(name)
    copy.number(UInt64(shape.count), 4)
    for extent in shape { copy.size(extent) }
    copy.number(type, 4)
    copy.number(offset, 8)
    return copy
  }

  func data(_ count: Int, alignment: Int = 32) -> GGUFWriter {
    var copy = self
    copy.bytes += [UInt8](repeating: 0, count: (alignment - bytes.count % alignment) % alignment)
    copy.bytes += [UInt8](repeating: 7, count: count)
    return copy
  }
}

@Suite struct GGUFTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let expected: [String]
    init(_ name: String, _ sample: GGUFWriter, _ expected: [String] = []) {
      (testDescription, bytes, self.expected) = (name, sample.bytes, expected)
    }
  }

  static let one = GGUFWriter(tensors: 1)
  static let two = GGUFWriter(tensors: 2).tensor("a", [8])
  static let key = GGUFWriter(keys: 1)

  @Test(arguments: [
    Case("nothing", GGUFWriter()),
    Case("plain", one.tensor("a", [8]).data(32)),
    Case("big endian", GGUFWriter(tensors: 1, isBigEndian: true).tensor("a", [8]).data(32)),
    Case("version 1", GGUFWriter(tensors: 1, version: 1).tensor("a", [8]).data(32)),
    Case("version 2", GGUFWriter(tensors: 1, version: 2).tensor("a", [8]).data(32)),
    Case("scalar", one.tensor("a", []).data(4)),
    Case("shorter by its padding", two.tensor("b", [4], at: 32).data(48)),
    Case("wider alignment", key.key("general.alignment", 4, 64, 4)),
    Case("no version", GGUFWriter(version: 0), ["gguf.unsupported!"]),
    Case("version 4", GGUFWriter(version: 4), ["gguf.unsupported!"]),
    Case("too many keys", GGUFWriter(keys: .max), ["gguf.count-out-of-file!"]),
    Case("a key too many", GGUFWriter(keys: 2).key("a", 0, 1, 1), ["gguf.count-out-of-file!"]),
    Case("too many tensors", GGUFWriter(tensors: 1 << 60), ["gguf.count-out-of-file!"]),
    Case("long key", key.key(String(repeating: "k", count: 65_536), 0, 1, 1), ["gguf.key-name"]),
    Case("blank in a key", key.key("a b", 0, 1, 1), ["gguf.key-name"]),
    Case("type 13", key.key("a", 13, 1, 8), ["gguf.unknown-value-type!"]),
    Case("type 13 in an array", key.key("a", type: 13, count: 1, [1, 2, 3]), ["gguf.unknown-value-type!"]),
    Case("boolean 2", key.key("a", 7, 2, 1), ["gguf.boolean"]),
    Case("boolean 2 in an array", key.key("a", type: 7, count: 3, [0, 1, 2]), ["gguf.boolean"]),
    Case("string too long", key.key("a", text: "x", length: .max), ["gguf.length-out-of-file!"]),
    Case("array too long", key.key("a", type: 4, count: 1 << 62, [0, 0, 0, 0]), ["gguf.length-out-of-file!"]),
    Case("alignment 0", key.key("general.alignment", 4, 0, 4), ["gguf.alignment"]),
    Case("alignment 48", key.key("general.alignment", 4, 48, 4), ["gguf.alignment"]),
    Case("alignment of 64 bits", key.key("general.alignment", 10, 32, 8), ["gguf.alignment"]),
    Case("duplicate key", GGUFWriter(keys: 2).key("a", 0, 1, 1).key("a", 0, 2, 1), ["gguf.duplicate-key"]),
    Case(
      "arrays of arrays", key.key("a", type: 9, count: 1, [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 8, 9]),
      ["gguf.nested-array"]),
    Case(
      "part of none", GGUFWriter(keys: 2).key("split.no", 2, 0, 2).key("split.count", 2, 0, 2), ["gguf.split"]),
    Case(
      "a score too few",
      GGUFWriter(keys: 2).key("tokenizer.ggml.scores", type: 0, count: 1, [1])
        .key("tokenizer.ggml.tokens", type: 0, count: 2, [1, 2]), ["gguf.vocabulary-mismatch"]),
    Case("five dimensions", one.tensor("a", [8, 1, 1, 1, 1]).data(32), ["gguf.dimensions"]),
    Case("extent 0", one.tensor("a", [8, 0]).data(0), ["gguf.dimensions"]),
    Case("product", one.tensor("a", [1 << 32, 1 << 32]).data(32), ["gguf.shape-overflow"]),
    Case("bytes", one.tensor("a", [1 << 61, 1]).data(32), ["gguf.shape-overflow"]),
    Case("negative", one.tensor("a", [.max]).data(32), ["gguf.shape-overflow"]),
    Case("block", one.tensor("a", [33], type: 2).data(32), ["gguf.block-size"]),
    Case("type 99", one.tensor("a", [8], type: 99).data(32), ["gguf.unknown-type"]),
    Case("removed type", one.tensor("a", [32], type: 33).data(18), ["gguf.removed-type"]),
    Case("long name", one.tensor(String(repeating: "n", count: 64), [8]).data(32), ["gguf.tensor-name"]),
    Case("duplicate tensor", two.tensor("a", [8], at: 32).data(64), ["gguf.duplicate-tensor"]),
    Case("misaligned", two.tensor("b", [8], at: 40).data(72), ["gguf.offset-misaligned", "gguf.gap"]),
    Case("overlap", two.tensor("b", [8], at: 0).data(32), ["gguf.overlap"]),
    Case("gap", two.tensor("b", [8], at: 64).data(96), ["gguf.gap"]),
    Case("late", one.tensor("a", [8], at: 32).data(64), ["gguf.gap"]),
    Case("out of file", one.tensor("a", [8]).data(16), ["gguf.out-of-file"]),
    Case("far", two.tensor("b", [8], at: 1 << 62).data(32), ["gguf.out-of-file"]),
    Case("trailing", one.tensor("a", [8]).data(40), ["gguf.trailing-bytes"]),
    Case("data of no tensor", GGUFWriter().data(8), ["gguf.trailing-bytes"]),
    Case("padding", one.tensor("a", [4]).data(32), ["gguf.padding"]),
  ])
  func notes(_ sample: Case) {
    let sink = read(GGUFFormat.self, sample.bytes, name: "m.gguf")
    #expect(Set(sink.anomalySubjects) == Set(sample.expected))
    #expect(sink.keepsTheLaws())
  }

  @Test(
    arguments: [UInt32](0...42).filter { ![4, 5].contains($0) && !(31...33).contains($0) && !(36...38).contains($0) })
  func knowsTheSizeOf(type: UInt32) throws {
    let known = try #require(GGMLType.numbered(type))
    let sample = Self.one.tensor("a", [UInt64(known.elements), 3], type: UInt64(type)).data(3 * known.bytes)
    #expect(read(GGUFFormat.self, sample.bytes, name: "m.gguf").anomalySubjects.isEmpty)
  }

  @Test func statesValuesAndTensors() {
    let sample = GGUFWriter(tensors: 1, keys: 3).key("general.name", text: "x").key("a.flag", 7, 1, 1)
      .key("a.list", type: 1, count: 2, [1, 0xff]).tensor("w", [2, 4]).data(32)
    let sink = read(GGUFFormat.self, sample.bytes, name: "m.gguf")
    #expect(sink.values == ["general.name=x", "a.flag=true", "a.list=[2]", "a.list.0=1", "a.list.1=-1"])
    #expect(sink.facts.first?.place == .path("/general.name"))
    let tensors = sink.facts.compactMap { fact -> TensorFact? in
      guard case .tensor(let tensor) = fact.payload else { return nil }
      return tensor
    }
    let start = sample.bytes.count - 32
    #expect(tensors == [TensorFact(name: "w", dtype: "F32", shape: [2, 4], bytes: ByteRange(start, start + 32))])
  }

  @Test(arguments: [(0x3f00_0000, "a=0.5"), (0x7fc0_0000, "a=nan"), (0xff80_0000, "a=-inf")] as [(UInt64, String)])
  func statesFloats(_ bits: UInt64, _ expected: String) {
    #expect(read(GGUFFormat.self, Self.key.key("a", 6, bits, 4).bytes, name: "m.gguf").values == [expected])
  }

  /// What no rule could name is walked and checked, and its scalars stated; the entries of long arrays are not.
  @Test func statesLongArraysOnlyWhenAsked() {
    let tokens = [UInt8](repeating: 1, count: 65)
    let sample = GGUFWriter(keys: 2).key("tokenizer.ggml.tokens", type: 0, count: 65, tokens)
      .key("tokenizer.chat_template", text: "{{ x }}")
    let interest = ValueInterest(keys: ["tokenizer"])
    let some = read(GGUFFormat.self, sample.bytes, name: "m.gguf", interest: interest)
    #expect(some.values == ["tokenizer.ggml.tokens=[65]", "tokenizer.chat_template={{ x }}"])
    #expect(read(GGUFFormat.self, sample.bytes, name: "m.gguf").values.count == 67)
    var limits = Limits()
    limits.values = 10
    let few = read(GGUFFormat.self, sample.bytes, name: "m.gguf", limits: limits)
    #expect(few.values.count == 10 && few.anomalySubjects == ["limit.values!"])
  }

  @Test func queuesTemplatesAndLongTexts() {
    let long = String(repeating: "x", count: 5000)
    let sample = GGUFWriter(keys: 4).key("tokenizer.chat_template", text: "{{ x }}")
      .key("tokenizer.chat_template.rag", text: long).key("general.description", text: long)
      .key("general.name", text: "x")
    let sink = read(GGUFFormat.self, sample.bytes, name: "m.gguf")
    #expect(sink.children.map(\.format) == ["jinja", "jinja", nil])
    #expect(sink.children.first?.source.prefix(99) == Array("{{ x }}".utf8))
    #expect(sink.values.contains("tokenizer.chat_template.rag=" + long))
    #expect(sink.values.contains("general.description=" + long.prefix(4096)))
    var limits = Limits()
    limits.templateBytes = 100
    #expect(
      read(GGUFFormat.self, sample.bytes, name: "m.gguf", limits: limits).anomalySubjects == ["limit.templateBytes!"])
  }

  @Test(
    arguments: [
      (\Limits.ggufKeys, "ggufKeys"), (\Limits.tensors, "tensors"), (\Limits.ggufMetadata, "ggufMetadata"),
    ] as [(WritableKeyPath<Limits, Int> & Sendable, String)])
  func keepsTo(_ limit: WritableKeyPath<Limits, Int> & Sendable, _ name: String) {
    let sample = GGUFWriter(tensors: 2, keys: 2).key("a", 0, 1, 1).key("b", 0, 1, 1).tensor("a", [8])
      .tensor("b", [8], at: 32).data(64)
    var limits = Limits()
    limits[keyPath: limit] = 1
    #expect(read(GGUFFormat.self, sample.bytes, name: "m.gguf", limits: limits).anomalySubjects == ["limit.\(name)!"])
  }

  @Test func nestingEndsAtItsLimit() {
    let level: [UInt8] = [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    let sample = Self.key.key("a", type: 9, count: 1, Array([[UInt8]](repeating: level, count: 2000).joined()))
    #expect(
      read(GGUFFormat.self, sample.bytes, name: "m.gguf").anomalySubjects == ["gguf.nested-array", "limit.nesting!"])
  }

  @Test func findsWhatIsHiddenInAGap() {
    var sample = Self.one.tensor("a", [8]).data(32).bytes
    sample += latin1("\u{80}\u{4}cos\nsystem\n(S'true'\ntR.")
    let sink = read(GGUFFormat.self, sample, name: "m.gguf")
    #expect(sink.children.map(\.format) == ["pickle"])
  }

  @Test func noSurprise() {
    let sample = GGUFWriter(tensors: 2, keys: 4).key("general.alignment", 4, 32, 4).key("t", text: "ab")
      .key("l", type: 8, count: 1, [1, 0, 0, 0, 0, 0, 0, 0, 0x78])
      .key("n", type: 9, count: 1, [7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0])
      .tensor("a", [4]).tensor("b", [32], type: 2, at: 32).data(50)
    expectNoSurprise(GGUFFormat.self, sample.bytes, name: "m.gguf")
  }
}
