import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct TFLiteTests {
  static func code(_ builtin: UInt64, _ custom: String? = nil) -> FlatPart {
    var fields: [Int: FlatPart] = [0: .number(min(builtin, 127), width: 1), 3: .number(builtin, width: 4)]
    if let custom { fields[1] = .string(custom) }
    return .table(fields)
  }

  static func step(_ code: UInt64, _ inputs: [Int32], _ outputs: [Int32], _ more: [Int: FlatPart] = [:]) -> FlatPart {
    .table([0: .number(code, width: 4), 1: .numbers(inputs), 2: .numbers(outputs)].merging(more) { $1 })
  }

  static func tensor(_ name: String, _ buffer: UInt64) -> FlatPart {
    .table([0: .numbers([2]), 1: .number(0, width: 1), 2: .number(buffer, width: 4), 3: .string(name)])
  }

  static func model(
    codes: [FlatPart] = [code(0)], steps: [FlatPart] = [step(0, [0, 1], [2])], weight: UInt64 = 1,
    buffer: [Int: FlatPart] = [0: .bytes([1, 2, 3, 4, 5, 6, 7, 8])], version: UInt64 = 3, more: [Int: FlatPart] = [:]
  ) -> [UInt8] {
    let graph = FlatPart.table([
      0: .list([tensor("in", 0), tensor("w", weight), tensor("out", 0)]), 1: .numbers([0]), 2: .numbers([2]),
      3: .list(steps), 4: .string("main"),
    ])
    let fields: [Int: FlatPart] = [
      0: .number(version, width: 4), 1: .list(codes), 2: .list([graph]), 3: .string("x"),
      4: .list([.table([:]), .table(buffer)]),
    ]
    return FlatPart.file("TFL3", .table(fields.merging(more) { $1 }))
  }

  static func outside(_ offset: UInt64, _ size: UInt64) -> [UInt8] {
    model(buffer: [1: .number(offset, width: 8), 2: .number(size, width: 8)])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let expected: [String]
    init(_ name: String, _ bytes: [UInt8], _ expected: [String] = []) {
      (testDescription, self.bytes, self.expected) = (name, bytes, expected)
    }
  }

  @Test(arguments: [
    Case("plain", model()),
    Case("padded", model() + [UInt8](repeating: 0, count: 64)),
    Case("input left out", model(steps: [step(0, [0, -1], [2])])),
    Case("version", model(version: 4), ["tflite.version"]),
    Case("operator code", model(steps: [step(1, [0], [2])]), ["tflite.index"]),
    Case("input", model(steps: [step(0, [3], [2])]), ["tflite.index"]),
    Case("output", model(steps: [step(0, [0], [-2])]), ["tflite.index"]),
    Case("buffer", model(weight: 2), ["tflite.index"]),
    Case("no data", outside(1, 8)),
    Case("outside, in the file", outside(16, 8)),
    Case("outside", outside(1 << 40, 8), ["tflite.out-of-file"]),
    Case("outside by its size", outside(16, .max), ["tflite.out-of-file"]),
    Case(
      "large options", model(steps: [step(0, [0], [2], [9: .number(1 << 50, width: 8), 10: .number(1, width: 8)])]),
      ["tflite.out-of-file"]),
    Case("trailing", model() + [UInt8](repeating: 7, count: 2000), ["tflite.trailing-bytes"]),
    Case("no root", [255, 0, 0, 0] + Array("TFL3".utf8), ["tflite.malformed!"]),
    Case("a table in nothing", [8, 0, 0, 0] + Array("TFL3".utf8), ["tflite.malformed!"]),
    Case("nothing", [], ["tflite.truncated!"]),
  ])
  func notes(_ sample: Case) {
    let sink = read(TFLiteFormat.self, sample.bytes, name: "m.tflite")
    #expect(Set(sink.anomalySubjects) == Set(sample.expected))
    #expect(sink.keepsTheLaws())
  }

  /// What TensorFlow is asked to run is in the options, whatever the operator is called.
  @Test(
    arguments: [
      (code(0), nil, ["tflite.ADD"]), (code(150), nil, ["tflite.GELU"]), (code(999), nil, ["tflite.BUILTIN_999"]),
      (code(32, "Mine"), nil, ["tflite.custom.Mine"]),
      (code(32, "FlexReadFile"), nil, ["tflite.custom.FlexReadFile", "tf.ReadFile"]),
      (
        code(32, "FlexAddV2"), flex("AddV2", "\u{0A}\u{1}n\u{12}\u{8}ReadFile"),
        ["tflite.custom.FlexAddV2", "tf.AddV2", "tf.ReadFile"]
      ),
      (code(32, "FlexAddV2"), [1, 2, 3], ["tflite.custom.FlexAddV2", "tf.AddV2", "tf.?"]),
    ] as [(FlatPart, [UInt8]?, [String])])
  func namesOperators(_ code: FlatPart, _ options: [UInt8]?, _ expected: [String]) {
    let more: [Int: FlatPart] = options.map { [5: .bytes($0)] } ?? [:]
    let sample = Self.model(codes: [code], steps: [Self.step(0, [0], [2], more)])
    let names = read(TFLiteFormat.self, sample, name: "m.tflite").facts.filter { $0.kind == .operation }
    #expect(names.compactMap(\.subjects.first) == expected)
  }

  /// A FlexBuffers vector of two strings.
  static func flex(_ first: String, _ second: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var places: [Int] = []
    for text in [first, second] {
      bytes.append(UInt8(text.utf8.count))
      places.append(bytes.count)
      bytes += Array(text.utf8) + [0]
    }
    bytes.append(2)
    let start = bytes.count
    for place in places { bytes.append(UInt8(bytes.count - place)) }
    bytes += [20, 20]
    return bytes + [UInt8(bytes.count - start), 40, 1]
  }

  @Test func statesTensorsAndMetadata() throws {
    let sample = Self.model(more: [
      6: .list([.table([0: .string("min_runtime_version"), 1: .number(1, width: 4)])]),
      7: .list([.table([2: .string("serve"), 4: .number(0, width: 4)])]),
    ])
    let sink = read(TFLiteFormat.self, sample, name: "m.tflite")
    #expect(Set(sink.values) == ["description=x", "metadata.min_runtime_version=[8]", "signature.serve=0"])
    let tensor = try #require(sink.facts.first { $0.kind == .tensor })
    guard case .tensor(let fact) = tensor.payload else { return }
    #expect(fact.name == "w" && fact.dtype == "FLOAT32" && fact.shape == [2] && fact.bytes.count == 8)
    #expect(Array(sample[fact.bytes.start..<fact.bytes.end]) == [1, 2, 3, 4, 5, 6, 7, 8])
  }

  @Test func takesNoMoreStepsThanAllowed() {
    var limits = Limits()
    limits.flatBufferSteps = 5
    let sink = read(TFLiteFormat.self, Self.model(), name: "m.tflite", limits: limits)
    #expect(sink.anomalySubjects == ["limit.flatBufferSteps!"])
  }

  @Test func noSurprise() {
    let options = Self.flex("AddV2", "\u{12}\u{1}x")
    let sample = Self.model(
      codes: [Self.code(32, "FlexX")], steps: [Self.step(0, [0], [2], [5: .bytes(options)])],
      more: [6: .list([.table([0: .string("m"), 1: .number(1, width: 4)])])])
    expectNoSurprise(TFLiteFormat.self, sample, name: "m.tflite")
  }
}
