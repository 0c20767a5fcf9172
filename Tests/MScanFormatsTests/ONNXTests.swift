import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct ONNXTests {
  static func node(_ type: String, domain: String? = nil, _ attributes: [UInt8]...) -> [UInt8] {
    let domain = domain.map { Proto.text(7, $0) } ?? []
    return Proto.text(1, "x") + Proto.text(2, "y") + Proto.text(4, type)
      + attributes.flatMap { Proto.bytes(5, $0) } + domain
  }

  static func model(_ fields: [UInt8]...) -> [UInt8] {
    let graph = fields.isEmpty ? Proto.bytes(1, node("Add")) : fields.flatMap(\.self)
    return Proto.number(1, 8) + Proto.text(2, "test") + Proto.bytes(7, graph + Proto.text(2, "g"))
      + Proto.message(8, Proto.number(2, 17))
  }

  static func tensor(_ dims: [UInt64], _ type: UInt64, _ data: [UInt8]) -> [UInt8] {
    dims.flatMap { Proto.number(1, $0) } + Proto.number(2, type) + Proto.text(8, "w") + data
  }

  static func external(_ entries: (String, String)...) -> [UInt8] {
    entries.flatMap { Proto.message(13, Proto.text(1, $0.0), Proto.text(2, $0.1)) } + Proto.number(14, 1)
  }

  static func weights(_ dims: [UInt64], _ type: UInt64, _ data: [UInt8]) -> [UInt8] {
    model(Proto.bytes(1, node("Add")), Proto.bytes(5, tensor(dims, type, data)))
  }

  private func read(_ bytes: [UInt8]) -> FactBuffer {
    MScanFormatsTests.read(ONNXFormat.self, bytes, name: "m.onnx")
  }

  @Test func statesOperations() {
    let branch = Proto.text(1, "then_branch") + Proto.message(6, Proto.bytes(1, Self.node("Mul")))
    let mode = Proto.text(1, "mode") + Proto.text(4, "edge")
    let blob = Proto.text(1, "blob") + Proto.bytes(4, [0, 1, 2, 3])
    let function = Proto.message(
      25, Proto.text(1, "Twice"), Proto.bytes(7, Self.node("Sub")), Proto.text(10, "own"))
    let sink = read(
      Self.model(
        Proto.bytes(1, Self.node("If", branch)), Proto.bytes(1, Self.node("Pad", mode)),
        Proto.bytes(1, Self.node("Pad", mode)), Proto.bytes(1, Self.node("X", domain: "com.example", blob)),
        Proto.bytes(1, Self.node("Twice", domain: "own")), Proto.bytes(1, Self.node("Add", domain: "ai.onnx")),
        Proto.bytes(1, [])) + function
        + Proto.message(20, Proto.message(1, Proto.bytes(1, Self.node("Neg")))))
    #expect(
      sink.graphOperations == [
        "onnx.If", "onnx.Mul", "onnx.Pad(mode=edge) x2", "onnx.com.example.X(blob=<4 bytes>)",
        "onnx.own.Twice local", "onnx.Add", "onnx.?", "onnx.Sub", "onnx.Neg",
      ])
    #expect(sink.anomalySubjects == [])
  }

  struct Tensor: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let expected: [String]
    init(_ name: String, _ dims: [UInt64], _ type: UInt64, _ data: [UInt8], _ expected: [String] = []) {
      (testDescription, bytes, self.expected) = (name, ONNXTests.weights(dims, type, data), expected)
    }
  }

  @Test(arguments: [
    Tensor("raw", [2, 2], 1, Proto.bytes(9, [UInt8](repeating: 0, count: 16))),
    Tensor("scalar", [], 7, Proto.bytes(9, [UInt8](repeating: 0, count: 8))),
    Tensor("none", [0, 4], 1, []),
    Tensor("four bits", [3], 22, Proto.bytes(9, [0, 0])),
    Tensor("floats", [2], 1, Proto.bytes(4, [UInt8](repeating: 0, count: 8))),
    Tensor("floats one by one", [2], 1, [0x25, 0, 0, 0, 0, 0x25, 0, 0, 0, 0]),
    Tensor("integers", [2], 7, Proto.bytes(7, [1, 0x80, 1])),
    Tensor("texts", [2], 8, Proto.text(6, "a") + Proto.text(6, "b")),
    Tensor("short", [3], 1, Proto.bytes(9, [0, 0, 0, 0]), ["onnx.shape-mismatch"]),
    Tensor("overflow", [1 << 62, 8], 1, Proto.bytes(9, [0, 0, 0, 0]), ["onnx.shape-mismatch"]),
    Tensor("overflow to zero", [1 << 62, 8, 0], 1, Proto.bytes(9, []), ["onnx.shape-mismatch"]),
    Tensor("negative", [.max, .max], 2, Proto.bytes(9, [0]), ["onnx.shape-mismatch"]),
    Tensor("unknown type", [1], 99, Proto.bytes(9, [0]), ["onnx.shape-mismatch"]),
    Tensor("few floats", [3], 1, Proto.bytes(4, [0, 0, 0, 0]), ["onnx.shape-mismatch"]),
    Tensor("stripped", [3], 1, [], ["onnx.no-data"]),
    Tensor("elsewhere", [2], 1, external(("location", "w.bin"), ("offset", "0"), ("length", "8"))),
    Tensor("prepacked", [2], 1, external(("location", "w.bin"), ("prepacked_0", "x|0;1;2"))),
    Tensor("nowhere", [2], 1, Proto.number(14, 1), ["onnx.external-data-key"]),
    Tensor("two places", [2], 1, external(("location", "a"), ("location", "b")), ["onnx.external-data-key"]),
    Tensor("a key of Python", [2], 1, external(("location", "a"), ("__class__", "b")), ["onnx.external-data-key"]),
    Tensor("negative offset", [2], 1, external(("location", "a"), ("offset", "-1")), ["onnx.external-data-range"]),
    Tensor("a word", [2], 1, external(("location", "a"), ("length", "0x8")), ["onnx.external-data-range"]),
    Tensor(
      "too long", [2], 1, external(("location", "a"), ("length", "9223372036854775807")), ["onnx.shape-mismatch"]),
  ])
  func holdsTensorsToTheirShape(_ sample: Tensor) {
    let sink = read(sample.bytes)
    #expect(sink.anomalySubjects == sample.expected)
    #expect(sink.tensorLines.count == 1)
    #expect(sink.keepsTheLaws())
  }

  @Test func statesWhereDataLies() {
    let inAttribute = Proto.text(1, "value") + Proto.bytes(5, Self.tensor([1], 2, Self.external(("location", "../c"))))
    let sink = read(
      Self.model(
        Proto.bytes(5, Self.tensor([2], 1, Self.external(("location", "a/b"), ("basepath", "/srv")))),
        Proto.bytes(1, Self.node("Constant", inAttribute))))
    #expect(
      sink.graphReferences == [
        "onnx.external-data=a/b", "onnx.external-data-folder=/srv", "onnx.external-data=../c",
      ])
    #expect(sink.tensorLines == ["w FLOAT [2]"])
  }

  @Test func packedDimensions() {
    let sink = read(
      Self.model(
        Proto.bytes(1, Self.node("Add")),
        Proto.bytes(
          5, Proto.bytes(1, [2, 3]) + Proto.number(2, 2) + Proto.text(8, "w") + Proto.bytes(9, [1, 2, 3, 4, 5, 6]))))
    #expect(sink.tensorLines == ["w UINT8 [2, 3]"])
    #expect(sink.anomalySubjects == [])
    let many = [UInt8](repeating: 1, count: 70_000)
    let flood = Self.model(Proto.bytes(5, Proto.bytes(1, many) + Proto.number(2, 2)))
    #expect(read(flood).anomalySubjects.contains("limit.protobufElements!"))
  }

  @Test func compiledPrograms() {
    func context(_ mode: UInt64, _ program: [UInt8]) -> FactBuffer {
      read(
        Self.model(
          Proto.bytes(
            1,
            Self.node(
              "EPContext", domain: "com.microsoft", Proto.text(1, "ep_cache_context") + Proto.bytes(4, program),
              Proto.text(1, "embed_mode") + Proto.number(3, mode)))))
    }
    #expect(context(0, Array("../x.bin".utf8)).graphReferences == ["onnx.ep-context=../x.bin"])
    #expect(context(1, [1, 2, 3, 4]).anomalySubjects == ["onnx.compiled-program!"])
    let elf = context(1, [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
    #expect(elf.children.count == 1)
  }

  @Test func metadata() {
    let entry = { (key: String, value: String) in Proto.message(14, Proto.text(1, key), Proto.text(2, value)) }
    let sink = read(
      Self.model() + entry("names", "{0: 'cat'}") + entry("config", "{\"_target_\": \"x.Y\"}") + entry("list", "[1, 2"))
    #expect(
      sink.values == [
        "ir_version=8", "producer_name=test", "opset_import.ai.onnx=17", "metadata.names={0: 'cat'}",
        "metadata.config={\"_target_\": \"x.Y\"}", "metadata.list=[1, 2",
      ])
    #expect(sink.children.map(\.format) == ["json"])
  }

  @Test func oneTensor() {
    let bytes = Self.tensor([2, 2], 1, Proto.bytes(9, [UInt8](repeating: 0, count: 16)))
    let sink = MScanFormatsTests.read(ONNXTensorFormat.self, bytes, name: "input_0.pb")
    #expect(sink.tensorLines == ["w FLOAT [2, 2]"])
    #expect(sink.anomalySubjects == [])
    let away = MScanFormatsTests.read(
      ONNXTensorFormat.self, Self.tensor([2], 1, Self.external(("location", "/etc/x"))), name: "x.pb")
    #expect(away.graphReferences == ["onnx.external-data=/etc/x"])
  }

  @Test func withoutAGraph() {
    #expect(read(Proto.number(1, 8)).anomalySubjects == ["onnx.no-graph!"])
    #expect(read([]).anomalySubjects == ["onnx.no-graph!"])
  }

  /// A million nodes end in as many facts as there are operators.
  @Test func manyNodesAreFewFacts() {
    let node = Proto.bytes(1, Self.node("Add"))
    let sink = read(Self.model((0..<20_000).flatMap { _ in node }))
    #expect(sink.graphOperations == ["onnx.Add x20000"])
  }

  @Test func noSurprise() {
    let mode = Proto.text(1, "mode") + Proto.text(4, "edge") + Proto.bytes(6, Proto.bytes(1, Self.node("Neg")))
    let sample =
      Self.model(
        Proto.bytes(1, Self.node("Pad", domain: "d", mode)),
        Proto.bytes(5, Self.tensor([2], 1, Self.external(("location", "w.bin"), ("offset", "4")))),
        Proto.bytes(5, Self.tensor([2], 1, Proto.bytes(9, [UInt8](repeating: 0, count: 8)))))
      + Proto.message(14, Proto.text(1, "k"), Proto.text(2, "{\"a\":1}")) + [0x53, 0x08, 0x01, 0x54]
    expectNoSurprise(ONNXFormat.self, sample, name: "m.onnx")
    expectNoSurprise(
      ONNXTensorFormat.self, Self.tensor([2], 1, Self.external(("location", "w.bin"))), name: "x.pb")
  }
}
