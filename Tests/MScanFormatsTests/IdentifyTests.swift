import MScanBytes
import Testing

@testable import MScanFormats

@Suite struct IdentifyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let expected: String
    var testDescription: String { "\(name): \(expected)" }
    init(_ name: String, _ bytes: [UInt8], _ expected: String) {
      (self.name, self.bytes, self.expected) = (name, bytes, expected)
    }
    init(_ name: String, _ text: String, _ expected: String) { self.init(name, latin1(text), expected) }
  }

  static let call = "cos\nsystem\n(S'x'\ntR."
  static let pickle4 = "\u{80}\u{4}\u{95}\u{3}\0\0\0\0\0\0\0K\u{1}."
  static let noise = [UInt8](repeating: 0, count: 5000) + [1, 2, 3]
  static let tensorFlowGraph = TensorFlowTests.graph([TensorFlowTests.node("MatMul")])
  static let tensorFlowModel = TensorFlowTests.savedModel(TensorFlowTests.metaGraph(tensorFlowGraph))
  static let tensors = safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", [1])
  /// One empty stored member, directory and end record, with offsets from `at`.
  static func zip(at: UInt8 = 0) -> [UInt8] {
    latin1("PK\u{3}\u{4}") + [UInt8](repeating: 0, count: 22) + [1, 0, 0, 0, 0x61]
      + latin1("PK\u{1}\u{2}") + [UInt8](repeating: 0, count: 24) + [1] + [UInt8](repeating: 0, count: 17) + [0x61]
      + latin1("PK\u{5}\u{6}\0\0\0\0\u{1}\0\u{1}\0") + [47, 0, 0, 0, 31 + at, 0, 0, 0, 0, 0]
  }
  static let pointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:\(String(repeating: "0a", count: 32))\nsize 12\n"
  static let png = "\u{89}PNG\r\n\u{1a}\n"

  /// Format, further ones behind `+`, and what the name claims behind `?` where it differs.
  @Test(arguments: [
    Case("a.json", "", "empty ? json"),
    Case("m.safetensors", "", "empty ? safetensors"),
    Case("__init__.py", "", "empty"),
    Case("m.safetensors", tensors, "safetensors"),
    Case("m.bin", tensors, "safetensors"),
    Case("m.safetensors", pickle4, "pickle ? safetensors"),
    Case("m.safetensors", call, "pickle ? safetensors"),
    Case("m.safetensors", [0xff] + noise, "safetensors"),
    Case("m.safetensors", "Not found", "text ? safetensors"),
    Case("m.pkl", pickle4, "pickle"),
    Case("m.pkl", call, "pickle"),
    Case("weights", call, "pickle"),
    Case("notes.txt", call, "pickle ? text"),
    Case("preview.png", call, "pickle ? image"),
    Case("setup.py", call, "pickle ? python"),
    Case("notes.txt", "I saw a cat (it was small).\nSo I left.\n", "text"),
    Case("m.bin", noise, "nil"),
    Case("x.npy", "\u{93}NUMPY\u{1}\0", "npy"),
    Case("x.npy", call, "pickle ? npy"),
    Case("x.npy", noise, "npy"),
    Case("m.onnx", ONNXTests.model(), "onnx"),
    Case("m.bin", ONNXTests.model(), "onnx"),
    Case("weights", ONNXTests.model(), "onnx"),
    Case("m.pb", ONNXTests.model(), "onnx"),
    Case("m.safetensors", ONNXTests.model(), "onnx ? safetensors"),
    Case("m.bin", Proto.text(500, String(repeating: "x", count: 9000)) + ONNXTests.model(), "onnx"),
    Case(
      "m.bin", Proto.text(2, "x") + ONNXTests.model(Proto.message(5, Proto.number(2, 1), Proto.text(8, "w"))), "onnx"),
    Case("m.onnx", ONNXTests.model() + zip(at: UInt8(ONNXTests.model().count)), "onnx+zip"),
    Case("input_0.pb", ONNXTests.tensor([2], 1, Proto.bytes(9, [UInt8](repeating: 0, count: 8))), "onnx-tensor"),
    Case("x.pb", ONNXTests.tensor([2], 1, Proto.bytes(9, [UInt8](repeating: 0, count: 9))), "protobuf"),
    Case("saved_model.pb", tensorFlowModel, "savedmodel"),
    Case("x.bin", tensorFlowModel, "savedmodel"),
    Case("x.meta", TensorFlowTests.metaGraph(tensorFlowGraph), "tf-metagraph"),
    Case("frozen.pb", tensorFlowGraph, "graphdef"),
    Case("x.onnx", tensorFlowGraph, "graphdef ? onnx"),
    Case(
      "x", TensorFlowTests.graph([], functions: [TensorFlowTests.function("f", TensorFlowTests.node("Add"))]),
      "graphdef"),
    Case(
      "x.onnx",
      Proto.number(1, 1) + Proto.bytes(2, TensorFlowTests.metaGraph(tensorFlowGraph)) + ONNXTests.model().dropFirst(8),
      "onnx+savedmodel"),
    Case(
      "keras_metadata.pb",
      Proto.message(1, Proto.text(3, "root"), Proto.text(4, "_tf_keras_layer"), Proto.text(5, "{}")), "keras-metadata"),
    Case(
      "fingerprint.pb", (1...5).flatMap { Proto.number($0, .max) } + Proto.message(6, Proto.number(1, 1)),
      "tf-fingerprint"),
    Case("variables.index", CheckpointTests.table([[CheckpointTests.header(1)]]), "tf-checkpoint"),
    Case("x.bin", CheckpointTests.table([[CheckpointTests.header(1)]]), "tf-checkpoint"),
    Case("variables.data-00000-of-00001", noise, "tensor-data"),
    Case("variables.data-00000-of-00001", pickle4, "pickle"),
    Case("variables.data-0-of-1", noise, "nil"),
    Case("model.onnx_data", noise, "tensor-data"),
    Case("m.mlmodel", OtherGraphTests.coreML, "coreml"),
    Case("m.pdmodel", OtherGraphTests.paddle, "paddle"),
    Case("__model__", OtherGraphTests.paddle, "paddle"),
    Case("m.caffemodel", OtherGraphTests.caffe, "caffe"),
    Case(
      "weight.bin", [1, 0, 0, 0, 2] + [UInt8](repeating: 0, count: 59) + [0xef, 0xbe, 0xad, 0xde, 1], "coreml-weights"),
    Case("graph.pbtxt", "node {\n  name: \"x\"\n}\n", "protobuf-text"),
    Case("labels.pbtxt", "item {\n  name: \"x\"\n}\n", "text"),
    Case("other.pb", Proto.message(1, Proto.text(1, "key")), "protobuf"),
    Case("m.onnx", noise, "onnx"),
    Case("m.onnx", Proto.number(1, 8) + Proto.number(99, 1), "onnx"),
    Case("m.bin", Proto.number(1, 8) + Proto.number(99, 1), "nil"),
    Case("x.npz", zip(), "zip"),
    Case("m.pt", zip(), "zip"),
    Case("m.keras", "\u{89}HDF\r\n\u{1a}\n", "hdf5"),
    Case("tokenizer.json", zip(), "zip ? json"),
    Case("m.pt", latin1(png) + zip(at: 8), "zip+image"),
    Case("m.safetensors", tensors + zip(), "safetensors+zip"),
    Case("m.pkl", latin1(call) + zip(), "pickle+zip"),
    Case("m.pkl", latin1(pickle4) + zip(), "pickle+zip"),
    Case("config.json", latin1("{\"a\":1}") + zip(), "zip+json ? json"),
    Case("README.md", latin1("# Title\n") + zip(), "zip ? markdown"),
    Case("m.bin", noise + zip(), "zip"),
    Case("README.md", "# about PK\u{5}\u{6} records" + String(repeating: "x", count: 30), "nil ? markdown"),
    Case("config.json", "{\"a\":1}", "json"),
    Case("config.json", " \n[1]", "json"),
    Case("config.json", "hello", "json"),
    Case("config.json", [0xff, 0xfe, 0x7b, 0], "json"),
    Case("x.jsonl", "{\"a\":1}\n{\"a\":2}", "json"),
    Case("data", "{\"a\":1}", "json"),
    Case("notes.txt", "{\"a\":1}", "json"),
    Case("t.jinja", "{{ x }}", "jinja"),
    Case("t.jinja", "{%- if x %}", "jinja"),
    Case("template", "{{ x }}", "text"),
    Case("README.md", "[![badge](x)](y)", "markdown"),
    Case("a.py", "import os\n", "python"),
    Case("a.py", "ID3 = 1\nimport os\n", "python"),
    Case("a.py", "ID3 = 1 # \u{1}\nimport os\n", "python"),
    Case("t.jinja", "OggS\0{{ x }}", "jinja"),
    Case("a.yaml", "a: 1\n", "yaml"),
    Case("LICENSE", "words", "text"),
    Case("m.safetensors", pointer, "git-lfs-pointer"),
    Case("config.json", pointer, "git-lfs-pointer"),
    Case("t.jinja", "version https://git-lfs\n{{ x }}", "jinja"),
    Case("t.jinja", "version https://git-lfs\nsize {{x}}", "jinja"),
    Case("m.bin", "GGUF\u{3}\0\0\0\u{1}\0\0\0\0\0\0\0", "gguf"),
    Case("m.bin", "GGUF\u{3}\0\0\0\u{1}" + call, "gguf+pickle"),
    Case("m.bin", "GIF89a\0\0\0" + call, "image+pickle"),
    Case("a.png", png, "image"),
    Case("a.png", "\u{7f}ELF\u{2}", "elf ? image"),
    Case("x.gz", "\u{1f}\u{8b}\u{8}\0", "gzip"),
    Case("x.joblib", [0x78, 0x9c, 0x4b, 0x4c, 0x04, 0, 0, 0x62, 0, 0x62], "zlib"),
    // A window of 1 KiB.
    Case(
      "x.joblib",
      [
        0x28, 0xcf, 0x6b, 0x60, 0xe9, 0x61, 0xca, 0x2f, 0xee, 0x61, 0x4b, 0x4f, 0x2d, 0x49, 0x2e, 0x4f, 0x99, 0xac,
        0x19, 0xa4, 0x07, 0x00, 0x3b, 0x2e, 0x06, 0x41,
      ], "zlib"),
    Case("m.ptl", "\u{18}\0\0\0PTMF\0\0\0\0", "torch-mobile"),
    Case("x.txt", "x\u{9c} is not compressed", "nil ? text"),
  ])
  func identifies(_ sample: Case) {
    #expect(Self.rendered(sample.bytes, sample.name) == sample.expected)
  }

  static func rendered(_ bytes: [UInt8], _ name: String) -> String {
    let found = Identify.identify(ByteSource(bytes), name: name)
    let formats = ([found.format ?? "nil"] + found.also).joined(separator: "+")
    return found.claimed.isEmpty || found.claimed == found.format ? formats : "\(formats) ? \(found.claimed)"
  }

  /// A length that is PROTO, BINUNICODE and its length: both readers go to their ends.
  @Test func safetensorsAndPickle() {
    var bytes: [UInt8] = [0x80, 0x04, 0x58, 0x03, 0, 0, 0, 0, 0x7b, 0x22]
    bytes += latin1("cos\nsystem\n(S'x'\ntR.\":1}") + [UInt8](repeating: 0x20, count: 0x60000)
    #expect(Self.rendered(bytes, "model.bin") == "safetensors+pickle")
    #expect(Self.rendered(bytes, "model.safetensors") == "safetensors+pickle")
  }

  /// A length that starts with the `P` of a persistent id, and zeros for as long as a line may be; with a line end and a
  /// pickle behind it, both read it.
  @Test func safetensorsThatStartWithP() {
    let header = #"{"a":{"dtype":"U8","shape":[17000000],"data_offsets":[0,17000000]}}"#
    let padding = String(repeating: " ", count: 0x50 - header.utf8.count)
    var bytes: [UInt8] = [0x50, 0, 0, 0, 0, 0, 0, 0] + Array((header + padding).utf8)
    bytes += [UInt8](repeating: 0, count: 17_000_000)
    #expect(Self.rendered(bytes, "model.safetensors") == "safetensors")
    let call = latin1("\ncos\nsystem\n(S'x'\ntR.")
    bytes.replaceSubrange((bytes.count - 16_900_000)..<(bytes.count - 16_900_000 + call.count), with: call)
    #expect(Self.rendered(bytes, "model.safetensors") == "safetensors+pickle")
  }

  @Test func tarByChecksum() {
    var header = [UInt8](repeating: 0, count: 512)
    for (at, byte) in "data.pkl".utf8.enumerated() { header[at] = byte }
    let sum = header.reduce(256) { $0 + Int($1) }
    let digits = Array(String(sum, radix: 8).utf8)
    for (at, byte) in digits.enumerated() { header[148 + at] = byte }
    #expect(Self.rendered(header, "m.pt") == "tar")
    header[0] ^= 1
    #expect(Self.rendered(header, "m.pt") != "tar")
  }

  @Test func noSurprise() {
    for sample in [Self.tensors + Self.zip(), latin1(Self.call) + Self.zip(at: 20), latin1(Self.pointer)] {
      for count in 0...sample.count { _ = Identify.identify(ByteSource(Array(sample[..<count])), name: "m.bin") }
      for index in sample.indices {
        for change in [UInt8(0), 0xff, sample[index] ^ 1, sample[index] ^ 0x80] {
          var bytes = sample
          bytes[index] = change
          _ = Identify.identify(ByteSource(bytes), name: "m.json")
        }
      }
    }
  }
}
