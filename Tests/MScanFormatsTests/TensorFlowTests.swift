import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct TensorFlowTests {
  static func attribute(_ name: String, _ value: [UInt8]) -> [UInt8] {
    Proto.message(5, Proto.text(1, name), Proto.bytes(2, value))
  }

  static func node(_ type: String, _ name: String = "n", inputs: [String] = [], _ attributes: [UInt8]...) -> [UInt8] {
    Proto.text(1, name) + Proto.text(2, type) + inputs.flatMap { Proto.text(3, $0) } + attributes.flatMap(\.self)
  }

  static func constant(_ name: String, _ text: String) -> [UInt8] {
    node("Const", name, attribute("value", Proto.message(8, Proto.number(1, 7), Proto.text(8, text))))
  }

  static func weights(_ type: UInt64, _ shape: [UInt64], _ content: [UInt8]) -> [UInt8] {
    let dimensions = shape.flatMap { Proto.message(2, Proto.number(1, $0)) }
    let tensor = Proto.number(1, type) + Proto.bytes(2, dimensions) + Proto.bytes(4, content)
    return node("Const", "w", attribute("value", Proto.bytes(8, tensor)))
  }

  static func function(_ name: String, _ nodes: [UInt8]...) -> [UInt8] {
    Proto.message(1, Proto.message(1, Proto.text(1, name)), nodes.flatMap { Proto.bytes(3, $0) })
  }

  static func graph(_ nodes: [[UInt8]], functions: [[UInt8]] = []) -> [UInt8] {
    nodes.flatMap { Proto.bytes(1, $0) } + (functions.isEmpty ? [] : Proto.bytes(2, functions.flatMap(\.self)))
  }

  static func metaGraph(_ graph: [UInt8], _ more: [UInt8] = []) -> [UInt8] {
    Proto.message(1, Proto.text(4, "serve"), Proto.text(5, "2.15.0")) + Proto.bytes(2, graph) + more
  }

  static func savedModel(_ metaGraph: [UInt8]) -> [UInt8] { Proto.number(1, 1) + Proto.bytes(2, metaGraph) }

  private func readGraph(_ nodes: [[UInt8]], functions: [[UInt8]] = []) -> FactBuffer {
    read(GraphDefFormat.self, Self.graph(nodes, functions: functions), name: "frozen.pb")
  }

  @Test func followsConstants() {
    let sink = readGraph(
      [
        Self.constant("path", "/srv/x"), Self.node("ReadFile", inputs: ["path"]),
        Self.node("WriteFile", inputs: ["^path", "other", "path:0"]),
      ],
      functions: [
        Self.function(
          "f", Self.node("ReadFile", inputs: ["path:output:0"]), Self.constant("p", "a\u{1}b"),
          Self.node("MatchingFiles", inputs: ["p:output:0"])),
        Self.function("g", Self.node("f", "call"), Self.node("ReadFile", "r", inputs: ["p:output:0"])),
      ])
    // A control input has no value, and a function does not see what lies outside it.
    #expect(
      sink.graphOperations == [
        "tf.Const x2", "tf.ReadFile(input=/srv/x)", "tf.WriteFile(input=/srv/x)", "tf.ReadFile x2",
        "tf.MatchingFiles(input=<3 bytes>)", "tf.f local",
      ])
    #expect(sink.anomalySubjects == [])
  }

  @Test func statesReadableAttributes() {
    let urls = Self.attribute(
      "debug_urls", Proto.message(1, Proto.text(2, "grpc://a.invalid"), Proto.text(2, "file:///b")))
    let sink = readGraph([
      Self.node("DebugIdentity", "n", urls),
      Self.node("VarHandleOp", "n", Self.attribute("shared_name", Proto.text(2, "v1"))),
      Self.node("VarHandleOp", "n", Self.attribute("shared_name", Proto.text(2, "v2"))),
      Self.node("PartitionedCall", "n", Self.attribute("_gradient_op_type", Proto.text(2, "x-12"))),
      Self.node("DecodeRaw", "n", Self.attribute("blob", Proto.bytes(2, [0x7f, 0x45, 0x4c, 0x46, 2, 1]))),
      Proto.text(1, "n"),
    ])
    #expect(
      sink.graphOperations == [
        "tf.DebugIdentity(debug_urls=grpc://a.invalid, debug_urls=file:///b)", "tf.VarHandleOp x2",
        "tf.PartitionedCall", "tf.DecodeRaw(blob=<6 bytes>)", "tf.?",
      ])
    #expect(sink.children.count == 1)
  }

  @Test(
    arguments: [
      (1, [2], 8, []), (1, [], 4, []), (1, [0, 5], 0, []), (19, [3], 6, []), (1, [3], 8, ["tf.shape-mismatch"]),
      (1, [.max, 2], 8, ["tf.shape-mismatch"]), (1, [1 << 62, 8], 8, ["tf.shape-mismatch"]),
      (99, [1], 4, ["tf.shape-mismatch"]), (7, [1], 3, []),
    ] as [(UInt64, [UInt64], Int, [String])])
  func holdsConstantsToTheirShape(_ type: UInt64, _ shape: [UInt64], _ count: Int, _ expected: [String]) {
    let sink = readGraph([Self.weights(type, shape, [UInt8](repeating: 0, count: count))])
    #expect(sink.anomalySubjects == expected)
  }

  @Test func statesWeightsOfFrozenGraphs() {
    let sink = readGraph([
      Self.weights(1, [64, 32], [UInt8](repeating: 0, count: 8192)),
      Self.weights(1, [2], [UInt8](repeating: 0, count: 8)),
    ])
    #expect(sink.tensorLines == ["w DT_FLOAT [64, 32]"])
  }

  @Test func statesModels() {
    let object = Proto.message(
      7,
      Proto.message(
        1, Proto.message(4, Proto.text(1, "_tf_keras_layer"), Proto.text(3, "{\"class_name\":\"Lambda\"}")),
        Proto.text(13, "Custom>L")))
    let asset = Proto.message(6, Proto.message(1, Proto.text(1, "t")), Proto.text(2, "../../words.txt"))
    let bytes = Self.savedModel(Self.metaGraph(Self.graph([Self.node("MatMul")]), asset + object))
    let sink = read(SavedModelFormat.self, bytes, name: "saved_model.pb")
    #expect(
      sink.values == [
        "saved_model_schema_version=1", "tags=serve", "tensorflow_version=2.15.0", "registered_name=Custom>L",
      ])
    #expect(sink.graphReferences == ["tf.asset=../../words.txt"])
    #expect(sink.graphOperations == ["tf.MatMul"])
    #expect(sink.children.map(\.format) == ["json"])
    #expect(sink.anomalySubjects == [])
  }

  @Test func kerasMetadata() {
    func node(_ metadata: String) -> [UInt8] {
      Proto.message(1, Proto.text(3, "root.layer"), Proto.text(4, "_tf_keras_layer"), Proto.text(5, metadata))
    }
    let sink = read(
      KerasMetadataFormat.self, node("{\"class_name\":\"Lambda\"}") + node("{") + node(""), name: "keras_metadata.pb")
    #expect(sink.children.map(\.format) == ["json"])
    #expect(sink.anomalySubjects == ["keras.metadata!"])
  }

  /// What costs an attacker one node each stays bounded, and is said.
  @Test func differentOperatorsEnd() {
    var limits = Limits.standard
    limits.operators = 100
    let nodes = (0..<1000).map { Self.node("Op\($0)") }
    let sink = read(GraphDefFormat.self, Self.graph(nodes), name: "x.pb", limits: limits)
    #expect(sink.graphOperations.count == 100)
    #expect(sink.anomalySubjects == ["limit.operators!"])
  }

  @Test func noSurprise() {
    let graph = Self.graph(
      [
        Self.constant("path", "/x"), Self.node("ReadFile", inputs: ["path"]),
        Self.weights(1, [2], [0, 0, 0, 0, 0, 0, 0, 0]),
      ],
      functions: [Self.function("f", Self.node("MatMul", "n", Self.attribute("a", Proto.text(2, "b"))))])
    expectNoSurprise(
      SavedModelFormat.self, Self.savedModel(Self.metaGraph(graph, Proto.message(6, Proto.text(2, "w.txt")))),
      name: "saved_model.pb")
    expectNoSurprise(GraphDefFormat.self, graph, name: "x.pb")
    expectNoSurprise(MetaGraphFormat.self, Self.metaGraph(graph), name: "x.meta")
    expectNoSurprise(
      KerasMetadataFormat.self, Proto.message(1, Proto.text(3, "root"), Proto.text(5, "{\"a\":1}")), name: "k.pb")
    expectNoSurprise(
      FingerprintFormat.self, Proto.number(1, 7) + Proto.number(2, 300) + Proto.text(7, "x"), name: "fingerprint.pb")
  }
}
