import MScanBytes
import MScanFacts

/// Which of TensorFlow's messages a file is.
protocol TensorFlowRoot: Sendable {
  static var schema: ProtobufSchema<TensorFlowRole> { get }
}

enum SavedModelRoot: TensorFlowRoot {
  static let schema = TensorFlowSchema.savedModel
}

enum MetaGraphRoot: TensorFlowRoot {
  static let schema = TensorFlowSchema.metaGraph
}

enum GraphRoot: TensorFlowRoot {
  static let schema = TensorFlowSchema.graph
}

/// Gathers what a graph of TensorFlow says, node by node.
struct TensorFlowVisitor<Root: TensorFlowRoot>: ProtobufVisitor {
  static var schema: ProtobufSchema<TensorFlowRole> { Root.schema }

  private struct Node {
    var range: ByteRange
    var name = ""
    var type = ""
    var arguments = GraphArguments()
    /// Readable strings of a constant.
    var text: String?
  }

  private struct Tensor {
    var type = 0
    var shape: [Int] = []
    var content: ByteRange?
    var texts: [String] = []
  }

  private static var textLimit: Int { 4096 }
  private static var nameLimit: Int { 256 }
  /// Strings of one attribute or tensor that are looked at, and characters of one that an operator is shown with.
  private static var textCount: Int { 8 }
  private static var argumentLimit: Int { 200 }
  /// String constants of one graph that are kept for the nodes behind them.
  private static var constantCount: Int { 4096 }
  /// Bytes from which a constant is told as a tensor: weights of a frozen graph, not shapes and axes.
  private static var weightSize: Int { 4096 }
  /// Attributes that name a resource, each with a name of its own; they say nothing of what the node does.
  private static var labels: Set<String> { ["shared_name", "container"] }

  private let input: ArtifactInput
  private var operations: GraphOperations
  private var node: Node?
  private var tensor: Tensor?
  private var attributeName = ""
  private var attributeTexts: [String] = []
  /// Name of the function that is read; nil in the graph itself.
  private var function: String?
  private var constants: [String: String] = [:]
  private var functionConstants: [String: String] = [:]
  private var identifier = ""
  private var objects = 0

  init(_ input: ArtifactInput) {
    self.input = input
    operations = GraphOperations(input)
  }

  // MARK: Messages

  mutating func begin(_ role: TensorFlowRole, _ range: ByteRange) {
    switch role {
    case .graph: constants.removeAll()
    case .function:
      function = ""
      functionConstants.removeAll()
    case .node: node = Node(range: range)
    case .attribute: (attributeName, attributeTexts) = ("", [])
    case .tensor: tensor = Tensor()
    case .userObject: identifier = ""
    default: break
    }
  }

  mutating func end(_ role: TensorFlowRole, _ range: ByteRange, into sink: inout FactBuffer) {
    switch role {
    case .function: function = nil
    case .node: finishNode()
    case .attribute: finishAttribute()
    case .tensor: finishTensor(range, into: &sink)
    default: break
    }
  }

  mutating func take(
    _ role: TensorFlowRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    switch role {
    case .nodeName: node?.name = reader.text(field.payload, limit: Self.nameLimit)
    case .operatorName: node?.type = reader.text(field.payload, limit: Self.nameLimit)
    case .inputName: takeInput(field, &reader)
    case .signatureName: takeFunction(field, &reader)
    case .attributeName: attributeName = reader.text(field.payload, limit: Self.nameLimit)
    case .attributeText:
      if attributeTexts.count < Self.textCount { attributeTexts.append(text(field, &reader, into: &sink)) }
    case .dataType: tensor?.type = Int(truncatingIfNeeded: field.value)
    case .dimension: takeDimension(field)
    case .content: tensor?.content = field.payload
    case .stringValue: takeString(field, &reader, into: &sink)
    case .schemaVersion:
      value("saved_model_schema_version", .number("\(field.value)"), field.range, into: &sink)
    case .tag: value("tags", .text(short(field, &reader)), field.range, into: &sink)
    case .version: value("tensorflow_version", .text(short(field, &reader)), field.range, into: &sink)
    case .registeredName: value("registered_name", .text(short(field, &reader)), field.range, into: &sink)
    case .identifier: identifier = reader.text(field.payload, limit: Self.nameLimit)
    case .metadata:
      objects &+= 1
      EmbeddedDocument.queue("object \(objects)", field.payload, &reader, input, into: &sink)
    case .assetName:
      sink.emit(
        .reference(
          ReferenceFact(
            field: "tf.asset", type: .path, target: reader.text(field.payload, limit: Self.textLimit))),
        artifact: input.index, range: field.range, place: .whole)
    case .metaGraph, .assetFile, .graph, .function, .node, .attribute, .tensor, .userObject: break
    }
  }

  private func short(_ field: ProtobufField, _ reader: inout ProtobufReader) -> String {
    reader.text(field.payload, limit: input.limits.argumentCharacters)
  }

  private mutating func takeFunction(_ field: ProtobufField, _ reader: inout ProtobufReader) {
    let name = reader.text(field.payload, limit: Self.nameLimit)
    function = name
    operations.define(name)
  }

  /// `name`, `name:0`, `name:output:0` or `^name`, the last without a value.
  private mutating func takeInput(_ field: ProtobufField, _ reader: inout ProtobufReader) {
    let known = function == nil ? constants : functionConstants
    guard !known.isEmpty else { return }
    let name = reader.text(field.payload, limit: Self.nameLimit)
    guard let text = known[String(name.prefix { $0 != ":" })] else { return }
    node?.arguments.add("input", text, input.limits)
  }

  private mutating func takeDimension(_ field: ProtobufField) {
    guard let count = tensor?.shape.count, count < 256 else { return }
    tensor?.shape.append(Int(truncatingIfNeeded: field.value))
  }

  private mutating func takeString(
    _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    guard let count = tensor?.texts.count, count < Self.textCount else { return }
    let text = text(field, &reader, into: &sink)
    tensor?.texts.append(text)
  }

  /// A string as it is shown; what is an archive, a pickle or a program is read on its own.
  private func text(
    _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) -> String {
    let head = reader.bytes(field.payload, limit: Self.argumentLimit)
    if MagicBytes.isUnmistakable(head) { EmbeddedDocument.queue(field.payload, input, into: &sink) }
    guard ReadableText.isReadable(head, whole: head.count == field.payload.count) else {
      return "<\(field.payload.count) bytes>"
    }
    return reader.text(field.payload, limit: Self.argumentLimit)
  }

  // MARK: Facts

  private mutating func finishAttribute() {
    // Names with an underscore are the runtime's own notes.
    guard !attributeName.hasPrefix("_"), !Self.labels.contains(attributeName) else { return }
    for text in attributeTexts where !text.isEmpty { node?.arguments.add(attributeName, text, input.limits) }
  }

  private mutating func finishTensor(_ range: ByteRange, into sink: inout FactBuffer) {
    guard let tensor else { return }
    self.tensor = nil
    if tensor.type == TensorFlowType.text, !tensor.texts.isEmpty {
      node?.text = String(tensor.texts.joined(separator: ", ").unicodeScalars.prefix(Self.argumentLimit))
    }
    guard let content = tensor.content, tensor.type != TensorFlowType.text else { return }
    let name = node?.name ?? ""
    if TensorFlowType.bytes(tensor.shape, type: tensor.type) != content.count {
      sink.emit(
        .anomaly(
          AnomalyFact(
            subject: "tf.shape-mismatch", field: "tensor_content",
            detail:
              "\(name): \(tensor.shape.prefix(16)) of \(TensorFlowType.name(tensor.type)) in \(content.count) bytes")
        ), artifact: input.index, range: range, place: .tensor(name))
    }
    if content.count >= Self.weightSize {
      sink.emit(
        .tensor(
          TensorFact(
            name: name, dtype: TensorFlowType.name(tensor.type), shape: tensor.shape, bytes: content)),
        artifact: input.index, range: range, place: .tensor(name))
    }
  }

  private mutating func finishNode() {
    guard let node else { return }
    self.node = nil
    let scope = function.map { $0 + "/" } ?? ""
    let place = scope + (node.name.isEmpty ? node.type : node.name)
    let fact = OperationFact(
      framework: "tf", name: node.type.isEmpty ? "?" : node.type, arguments: node.arguments.texts)
    operations.add(fact, node.range, node: place)
    guard let text = node.text, !node.name.isEmpty else { return }
    if function == nil {
      if constants.count < Self.constantCount { constants[node.name] = text }
    } else if functionConstants.count < Self.constantCount {
      functionConstants[node.name] = text
    }
  }

  func finish(into sink: inout FactBuffer) { operations.finish(into: &sink) }

  private func value(
    _ path: String, _ scalar: ValueFact.Scalar, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    sink.emit(
      .value(ValueFact(keyPath: path, value: scalar)), artifact: input.index, range: range, place: .path(path))
  }
}
