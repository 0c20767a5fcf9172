import MScanBytes
import MScanFacts

/// Gathers what a `ModelProto` says, message by message.
struct ONNXVisitor: ProtobufVisitor {
  static let schema = ONNXSchema.model

  private struct Attribute {
    var name = ""
    var texts: [ByteRange] = []
    var integer: UInt64?
    /// Readable values, as far as there is room for them.
    var values: [String] = []
  }

  private struct Node {
    var range: ByteRange
    var name = ""
    var type = ""
    var domain = ""
    var arguments = GraphArguments()
    /// `embed_mode` and `ep_cache_context` of a node that stands for a compiled program.
    var embedMode: UInt64?
    var program: (range: ByteRange, text: String)?
  }

  private struct Function {
    var name = ""
    var domain = ""
  }

  private static let textLimit = 4096
  /// Bytes of an operator's name or domain.
  private static let nameLimit = 256
  /// Texts of one attribute that are looked at.
  private static let textCount = 8

  private let input: ArtifactInput
  private var nodes: [Node] = []
  private var attributes: [Attribute] = []
  private var tensors: [ONNXTensor] = []
  private var function: Function?
  /// A graph or a function was there.
  private var hasGraph = false
  private var opset = (domain: "", version: UInt64(0))
  private var key = ""
  private var text = ""
  private var operations: GraphOperations

  init(_ input: ArtifactInput) {
    self.input = input
    operations = GraphOperations(input)
  }

  // MARK: Messages

  mutating func begin(_ role: ONNXRole, _ range: ByteRange) {
    switch role {
    case .node: nodes.append(Node(range: range))
    case .attribute: attributes.append(Attribute())
    case .initializer, .sparseInitializer, .attributeTensor: tensors.append(ONNXTensor(range))
    case .function:
      function = Function()
      hasGraph = true
    case .graph: hasGraph = true
    case .metadata, .externalData: (key, text) = ("", "")
    case .opset: opset = ("", 0)
    default: break
    }
  }

  mutating func end(_ role: ONNXRole, _ range: ByteRange, into sink: inout FactBuffer) {
    switch role {
    case .node: if let node = nodes.popLast() { finish(node, into: &sink) }
    case .attribute: if let attribute = attributes.popLast() { finish(attribute) }
    case .initializer, .sparseInitializer, .attributeTensor:
      tensors.popLast()?.finish(isNamed: role != .attributeTensor, input, into: &sink)
    case .function:
      if let function { operations.define(function.name, domain: function.domain) }
      function = nil
    case .metadata:
      value("metadata." + key, .text(text), range, into: &sink)
    case .externalData:
      if !tensors.isEmpty { tensors[tensors.count &- 1].take(key: key, value: text, range) }
    case .opset:
      // Functions say again what the model says.
      guard function == nil else { return }
      let domain = opset.domain.isEmpty ? "ai.onnx" : opset.domain
      value("opset_import." + domain, .number("\(opset.version)"), range, into: &sink)
    default: break
    }
  }

  mutating func take(
    _ role: ONNXRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    switch role {
    case .dimension, .dataType, .tensorName, .rawData, .fourByteData, .eightByteData, .numberData, .textData,
      .dataLocation:
      if !tensors.isEmpty { tensors[tensors.count &- 1].take(role, field, &reader, input.limits) }
    case .nodeName, .operatorType, .nodeDomain: takeNode(role, field, &reader)
    case .attributeName, .attributeInteger, .attributeText, .attributeTexts:
      takeAttribute(role, field, &reader, into: &sink)
    case .key: key = reader.text(field.payload, limit: input.limits.argumentCharacters)
    case .entryValue:
      text = reader.text(field.payload, limit: Self.textLimit)
      if tensors.isEmpty { EmbeddedDocument.queue("metadata." + key, field.payload, &reader, input, into: &sink) }
    case .opsetDomain: opset.domain = name(field, &reader)
    case .opsetVersion: opset.version = field.value
    case .functionName:
      let text = name(field, &reader)
      function?.name = text
    case .functionDomain:
      let text = name(field, &reader)
      function?.domain = text
    case .irVersion: value("ir_version", .number("\(field.value)"), field.range, into: &sink)
    case .modelVersion: value("model_version", .number("\(field.value)"), field.range, into: &sink)
    case .producerName: value("producer_name", field, &reader, into: &sink)
    case .producerVersion: value("producer_version", field, &reader, into: &sink)
    case .modelDomain: value("domain", field, &reader, into: &sink)
    case .documentation: value("doc_string", field, &reader, into: &sink)
    default: break
    }
  }

  private func name(_ field: ProtobufField, _ reader: inout ProtobufReader) -> String {
    reader.text(field.payload, limit: Self.nameLimit)
  }

  private mutating func takeNode(_ role: ONNXRole, _ field: ProtobufField, _ reader: inout ProtobufReader) {
    guard !nodes.isEmpty else { return }
    switch role {
    case .nodeName: nodes[nodes.count &- 1].name = name(field, &reader)
    case .operatorType: nodes[nodes.count &- 1].type = name(field, &reader)
    default: nodes[nodes.count &- 1].domain = name(field, &reader)
    }
  }

  private mutating func takeAttribute(
    _ role: ONNXRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    guard !attributes.isEmpty else { return }
    let last = attributes.count &- 1
    switch role {
    case .attributeName: attributes[last].name = name(field, &reader)
    case .attributeInteger: attributes[last].integer = field.value
    default:
      guard attributes[last].texts.count < Self.textCount else { return }
      attributes[last].texts.append(field.payload)
      let head = reader.bytes(field.payload, limit: Self.textLimit)
      if MagicBytes.isUnmistakable(head) { EmbeddedDocument.queue(field.payload, input, into: &sink) }
      attributes[last].values.append(
        ReadableText.isReadable(head, whole: head.count == field.payload.count)
          ? reader.text(field.payload, limit: Self.textLimit) : "<\(field.payload.count) bytes>")
    }
  }

  // MARK: Facts

  private mutating func finish(_ attribute: Attribute) {
    guard !nodes.isEmpty else { return }
    let last = nodes.count &- 1
    if attribute.name == "embed_mode" { nodes[last].embedMode = attribute.integer }
    if attribute.name == "ep_cache_context", let range = attribute.texts.first, let value = attribute.values.first {
      nodes[last].program = (range, value)
    }
    for value in attribute.values { nodes[last].arguments.add(attribute.name, value, input.limits) }
  }

  private mutating func finish(_ node: Node, into sink: inout FactBuffer) {
    let domain = node.domain == "ai.onnx" ? "" : node.domain
    let fact = OperationFact(
      framework: ONNXFormat.id, name: node.type.isEmpty ? "?" : node.type, domain: domain,
      arguments: node.arguments.texts)
    if let program = node.program { state(program, of: node, into: &sink) }
    let scope = function.map { $0.name + "/" } ?? ""
    operations.add(fact, node.range, node: scope + (node.name.isEmpty ? fact.name : node.name))
  }

  /// `EPContext`: a program compiled for one accelerator, in the node or in a file.
  private func state(_ program: (range: ByteRange, text: String), of node: Node, into sink: inout FactBuffer) {
    if node.embedMode == 0 {
      sink.emit(
        .reference(ReferenceFact(field: "onnx.ep-context", type: .path, target: program.text)),
        artifact: input.index, range: program.range, place: .node(node.name))
    } else {
      sink.emit(
        .anomaly(
          AnomalyFact(
            subject: "onnx.compiled-program", field: "ep_cache_context", detail: "\(program.range.count) bytes",
            incomplete: true)),
        artifact: input.index, range: program.range, place: .node(node.name))
    }
  }

  /// States the operators, now that all functions are known.
  mutating func finish(into sink: inout FactBuffer) {
    if !hasGraph {
      sink.emit(
        .anomaly(
          AnomalyFact(subject: "onnx.no-graph", field: "graph", detail: "there is no graph", incomplete: true)),
        artifact: input.index, range: ByteRange(0, input.source.count), place: .whole)
    }
    operations.finish(into: &sink)
  }

  private func value(
    _ path: String, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    value(path, .text(reader.text(field.payload, limit: Self.textLimit)), field.range, into: &sink)
  }

  private func value(
    _ path: String, _ scalar: ValueFact.Scalar, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    sink.emit(
      .value(ValueFact(keyPath: path, value: scalar)), artifact: input.index, range: range, place: .path(path))
  }
}
