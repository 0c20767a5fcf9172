import MScanBytes
public import MScanFacts

/// ONNX: a `ModelProto` with the graph, its weights or the paths to them, and functions. Weights are stepped over.
/// Source: `onnx.proto`, IR version 12.
public enum ONNXFormat: Format {
  public static let id = "onnx"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<ONNXVisitor>(input)
    var visitor = ONNXVisitor(input)
    walk.run(&visitor, into: &sink)
    visitor.finish(into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// One `TensorProto` in a file of its own.
public enum ONNXTensorFormat: Format {
  public static let id = "onnx-tensor"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<ONNXTensorVisitor>(input)
    var visitor = ONNXTensorVisitor(input)
    walk.run(&visitor, into: &sink)
    visitor.tensor.finish(isNamed: true, input, into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// A `StringStringEntryProto` that is being read.
struct ONNXEntry {
  var key = ""
  var value = ByteRange(0, 0)

  mutating func take(_ role: ONNXRole, _ field: ProtobufField, _ reader: inout ProtobufReader, _ limits: Limits) {
    if role == .key { key = reader.text(field.payload, limit: limits.argumentCharacters) }
    if role == .entryValue { value = field.payload }
  }
}

struct ONNXTensorVisitor: ProtobufVisitor {
  static let schema = ONNXSchema.tensor

  private let input: ArtifactInput
  private var entry = ONNXEntry()
  private var entryText = ""
  fileprivate(set) var tensor: ONNXTensor

  init(_ input: ArtifactInput) {
    self.input = input
    tensor = ONNXTensor(ByteRange(0, input.source.count))
  }

  mutating func begin(_ role: ONNXRole, _ range: ByteRange) {
    entry = ONNXEntry()
    entryText = ""
  }

  mutating func end(_ role: ONNXRole, _ range: ByteRange, into sink: inout FactBuffer) {
    if role == .externalData { tensor.take(key: entry.key, value: entryText, range) }
  }

  mutating func take(
    _ role: ONNXRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    switch role {
    case .key: entry.take(role, field, &reader, input.limits)
    case .entryValue: entryText = ONNXTensor.text(field.payload, &reader)
    default: tensor.take(role, field, &reader, input.limits)
    }
  }
}
