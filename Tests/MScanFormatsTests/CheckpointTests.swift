import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct CheckpointTests {
  typealias Row = (key: String, value: [UInt8])

  static func header(_ shards: UInt64) -> Row { ("", Proto.number(1, shards)) }

  static func entry(
    _ key: String, _ type: UInt64 = 1, _ shape: [UInt64] = [2], shard: UInt64 = 0, offset: UInt64 = 0, size: UInt64 = 8
  ) -> Row {
    let dimensions = shape.flatMap { Proto.message(2, Proto.number(1, $0)) }
    return (
      key,
      Proto.number(1, type) + Proto.bytes(2, dimensions) + Proto.number(3, shard) + Proto.number(4, offset)
        + Proto.number(5, size)
    )
  }

  static func block(_ rows: [Row]) -> [UInt8] {
    var out: [UInt8] = []
    var last: [UInt8] = []
    for row in rows {
      let key = Array(row.key.utf8)
      let shared = zip(last, key).prefix { $0 == $1 }.count
      out += Proto.varint(UInt64(shared)) + Proto.varint(UInt64(key.count - shared))
      out += Proto.varint(UInt64(row.value.count)) + key.dropFirst(shared) + row.value
      last = key
    }
    return out + [0, 0, 0, 0, 1, 0, 0, 0]
  }

  /// A table of these blocks, one behind the other. `between` stands in front of each but the first.
  static func table(_ blocks: [[Row]], type: UInt8 = 0, between: [UInt8] = [], repeated: Bool = false) -> [UInt8] {
    var out: [UInt8] = []
    func append(_ bytes: [UInt8], to out: inout [UInt8]) -> [UInt8] {
      let handle = Proto.varint(UInt64(out.count)) + Proto.varint(UInt64(bytes.count))
      out += bytes + [type, 0, 0, 0, 0]
      return handle
    }
    var index: [Row] = []
    for rows in blocks {
      if !out.isEmpty { out += between }
      let handle = append(block(rows), to: &out)
      index.append((rows.last?.key ?? "", handle))
      if repeated { index.append((rows.last?.key ?? "", handle)) }
    }
    let about = append(block([]), to: &out)
    let handles = about + append(block(index), to: &out)
    return out + handles + [UInt8](repeating: 0, count: 40 - handles.count)
      + [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
  }

  private func read(_ bytes: [UInt8], name: String = "x") -> FactBuffer {
    MScanFormatsTests.read(CheckpointFormat.self, bytes, name: name)
  }

  @Test func statesTensorsAndShards() {
    let bytes = Self.table([
      [Self.header(2), Self.entry("layer/bias")],
      [Self.entry("layer/kernel", 2, [2, 2], shard: 1, offset: 8, size: 32)],
    ])
    let sink = read(bytes, name: "variables.index")
    #expect(sink.tensorLines == ["layer/bias DT_FLOAT [2]", "layer/kernel DT_DOUBLE [2, 2]"])
    #expect(
      sink.graphReferences == [
        "tf.checkpoint-shard=variables.data-00000-of-00002", "tf.checkpoint-shard=variables.data-00001-of-00002",
      ])
    #expect(sink.anomalySubjects == [])
  }

  @Test func notes() {
    func subjects(_ bytes: [UInt8]) -> [String] { read(bytes).anomalySubjects }
    #expect(subjects(Self.table([[Self.header(1), Self.entry("a", 1, [3])]])) == ["tf.shape-mismatch"])
    #expect(subjects(Self.table([[Self.header(1), Self.entry("a", 7, [3], size: 99)]])) == [])
    #expect(subjects(Self.table([[Self.header(1), Self.entry("a", shard: 1)]])) == ["tf-checkpoint.entry-range"])
    #expect(subjects(Self.table([[Self.header(1), Self.entry("a", offset: .max)]])) == ["tf-checkpoint.entry-range"])
    #expect(subjects(Self.table([[Self.header(1), Self.entry("b"), Self.entry("a")]])) == ["tf-checkpoint.key-order"])
    #expect(subjects(Self.table([[Self.header(1), Self.entry("a")]], type: 1)) == ["tf-checkpoint.unsupported!"])
    #expect(
      subjects(Self.table([[Self.header(1)], [Self.entry("a")]], between: [1, 2, 3])) == [
        "tf-checkpoint.unaccounted-bytes"
      ])
    #expect(
      subjects(Self.table([[Self.header(1), Self.entry("a")]], repeated: true)) == ["tf-checkpoint.block-order!"])
    #expect(subjects([1, 2, 3]) == ["tf-checkpoint.malformed!"])
  }

  @Test func noSurprise() {
    expectNoSurprise(
      CheckpointFormat.self, Self.table([[Self.header(1), Self.entry("a")], [Self.entry("b")]]),
      name: "variables.index")
  }
}

@Suite struct OtherGraphTests {
  static let coreML: [UInt8] = {
    let feature = Proto.message(1, Proto.text(1, "x"), Proto.message(3, Proto.number(1000, 1)))
    let metadata = Proto.message(
      100, Proto.text(3, "somebody"), Proto.message(100, Proto.text(1, "k"), Proto.text(2, "v")))
    let custom = Proto.message(1, Proto.text(1, "l"), Proto.message(500, Proto.text(10, "ExampleLayer")))
    return Proto.number(1, 4) + Proto.bytes(2, feature + metadata) + Proto.bytes(500, custom)
  }()

  static let coreMLProgram: [UInt8] = {
    let file = Proto.message(5, Proto.text(1, "@model_path/../w.bin"), Proto.number(2, 64))
    let inner = Proto.message(4, Proto.message(3, Proto.text(1, "relu")))
    let operation = Proto.message(
      3, Proto.text(1, "const"), Proto.message(5, Proto.text(1, "val"), Proto.bytes(2, file)), inner)
    let block = Proto.message(3, Proto.text(1, "CoreML5"), Proto.bytes(2, operation))
    let linked = Proto.message(
      556, Proto.message(1, Proto.message(1, Proto.text(1, "other")), Proto.message(2, Proto.text(1, "../y"))))
    return Proto.number(1, 6)
      + Proto.message(502, Proto.message(2, Proto.text(1, "main"), Proto.bytes(2, block)))
      + Proto.message(202, Proto.message(1, Proto.number(1, 4), linked))
  }()

  static let paddle: [UInt8] = {
    let call = Proto.message(
      4, Proto.text(3, "py_func"), Proto.message(4, Proto.text(1, "op_callstack"), Proto.text(8, "File x")),
      Proto.message(4, Proto.text(1, "path"), Proto.text(5, "/srv/x")))
    return Proto.message(1, Proto.number(1, 0), Proto.number(2, .max), call, Proto.message(4, Proto.text(3, "mul")))
      + Proto.message(4, Proto.number(1, 0))
  }()

  static let caffe: [UInt8] =
    Proto.text(1, "net")
    + Proto.message(100, Proto.text(1, "c"), Proto.text(2, "Convolution"), Proto.message(7, [0x10, 1]))
    + Proto.message(
      100, Proto.text(1, "p"), Proto.text(2, "Python"),
      Proto.message(130, Proto.text(1, "example"), Proto.text(2, "Layer"), Proto.text(3, "{}")))

  @Test func statesOperations() {
    let network = read(CoreMLFormat.self, Self.coreML, name: "m.mlmodel")
    #expect(network.graphOperations == ["coreml.custom.ExampleLayer"])
    #expect(network.values == ["specificationVersion=4", "author=somebody", "metadata.k=v"])
    let program = read(CoreMLFormat.self, Self.coreMLProgram, name: "m.mlmodel")
    #expect(program.graphOperations == ["coreml.const", "coreml.relu"])
    #expect(
      program.graphReferences == [
        "coreml.weights=../w.bin", "coreml.linked-model=other", "coreml.linked-model-path=../y",
      ])
    #expect(
      read(PaddleFormat.self, Self.paddle, name: "m").graphOperations == ["paddle.py_func(path=/srv/x)", "paddle.mul"])
    #expect(
      read(CaffeFormat.self, Self.caffe, name: "m").graphOperations == [
        "caffe.Convolution", "caffe.Python(module=example, layer=Layer, param_str={})",
      ])
    for sink in [network, program] { #expect(sink.anomalySubjects == []) }
  }

  @Test func noSurprise() {
    expectNoSurprise(CoreMLFormat.self, Self.coreML, name: "m.mlmodel")
    expectNoSurprise(CoreMLFormat.self, Self.coreMLProgram, name: "m.mlmodel")
    expectNoSurprise(PaddleFormat.self, Self.paddle, name: "m.pdmodel")
    expectNoSurprise(CaffeFormat.self, Self.caffe, name: "m.caffemodel")
  }
}
