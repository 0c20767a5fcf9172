import MScanBytes
public import MScanFacts

/// `.mlmodel`: a `Model` of CoreML. Source: `Model.proto`, `NeuralNetwork.proto` and `MIL.proto` of coremltools 8.
public enum CoreMLFormat: Format {
  public static let id = "coreml"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<CoreMLVisitor>(input)
    var visitor = CoreMLVisitor(input)
    walk.run(&visitor, into: &sink)
    visitor.finish(into: &sink)
    sink.sortFacts(after: mark)
  }
}

enum CoreMLRole: Sendable {
  case version, author, summary, license
  /// A layer or a model that code of the app implements, and its class.
  case custom, className
  /// A model in another file: its name, and the folders that are searched.
  case linkedName, linkedPath
  case operation, operationType, weightFile
  case entry, key, value
}

struct CoreMLVisitor: ProtobufVisitor {
  static let schema = CoreMLSchema.model

  private let input: ArtifactInput
  private var operations: GraphOperations
  /// Operations that are open; blocks of one hold others.
  private var nodes: [(range: ByteRange, type: String)] = []
  private var className = ""
  private var key = ""

  init(_ input: ArtifactInput) {
    self.input = input
    operations = GraphOperations(input)
  }

  mutating func begin(_ role: CoreMLRole, _ range: ByteRange) {
    switch role {
    case .custom: className = ""
    case .operation: nodes.append((range, ""))
    case .entry: key = ""
    default: break
    }
  }

  mutating func end(_ role: CoreMLRole, _ range: ByteRange, into sink: inout FactBuffer) {
    switch role {
    case .custom:
      let name = className.isEmpty ? "?" : className
      operations.add(OperationFact(framework: CoreMLFormat.id, name: name, domain: "custom"), range, node: name)
    case .operation:
      guard let node = nodes.popLast() else { return }
      let name = node.type.isEmpty ? "?" : node.type
      operations.add(OperationFact(framework: CoreMLFormat.id, name: name), node.range, node: name)
    default: break
    }
  }

  mutating func take(
    _ role: CoreMLRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    let text = field.wire == .length ? reader.text(field.payload, limit: 4096) : "\(field.value)"
    switch role {
    case .version: state("specificationVersion", .number(text), field, into: &sink)
    case .summary: state("shortDescription", .text(text), field, into: &sink)
    case .author: state("author", .text(text), field, into: &sink)
    case .license: state("license", .text(text), field, into: &sink)
    case .className: className = text
    case .linkedName: refer("coreml.linked-model", text, field, into: &sink)
    case .linkedPath: refer("coreml.linked-model-path", text, field, into: &sink)
    case .weightFile:
      // The mark stands for the folder of the model.
      let mark = "@model_path/"
      refer(
        "coreml.weights", text.hasPrefix(mark) ? String(text.dropFirst(mark.count)) : text, field, into: &sink)
    case .operationType: if !nodes.isEmpty { nodes[nodes.count &- 1].type = text }
    case .key: key = text
    case .value: state("metadata." + key, .text(text), field, into: &sink)
    case .custom, .operation, .entry: break
    }
  }

  func finish(into sink: inout FactBuffer) { operations.finish(into: &sink) }

  private func state(
    _ path: String, _ scalar: ValueFact.Scalar, _ field: ProtobufField, into sink: inout FactBuffer
  ) {
    sink.emit(
      .value(ValueFact(keyPath: path, value: scalar)), artifact: input.index, range: field.range, place: .path(path))
  }

  private func refer(_ name: String, _ target: String, _ field: ProtobufField, into sink: inout FactBuffer) {
    sink.emit(
      .reference(ReferenceFact(field: name, type: .path, target: target)), artifact: input.index, range: field.range,
      place: .whole)
  }
}

enum CoreMLSchema {
  typealias Schema = ProtobufSchema<CoreMLRole>

  static let model = Schema([modelMessage] + descriptionParts + networkParts + programParts)

  /// Types of models that hold numbers only are in the range of the others.
  private static let modelMessage = Schema.Message(
    "Model",
    [
      .init(1, "specificationVersion", .varint, .version), .init(2, "description", .message("ModelDescription")),
      .init(10, "isUpdatable", .varint), .init(200, "pipelineClassifier", .message("PipelineModel")),
      .init(201, "pipelineRegressor", .message("PipelineModel")), .init(202, "pipeline", .message("Pipeline")),
      .init(303, "neuralNetworkRegressor", .message("NeuralNetwork")),
      .init(403, "neuralNetworkClassifier", .message("NeuralNetwork")),
      .init(500, "neuralNetwork", .message("NeuralNetwork")), .init(502, "mlProgram", .message("Program")),
      .init(555, "customModel", .message("CustomModel"), .custom),
      .init(556, "linkedModel", .message("LinkedModel")),
    ], others: 200...3000)

  private static let descriptionParts: [Schema.Message] = [
    .init("ModelDescription", [.init(100, "metadata", .message("Metadata"))], others: 1...60),
    .init(
      "Metadata",
      [
        .init(1, "shortDescription", .bytes, .summary), .init(2, "versionString", .bytes),
        .init(3, "author", .bytes, .author), .init(4, "license", .bytes, .license),
        .init(100, "userDefined", .message("Entry"), .entry, repeated: true),
      ]),
    .init("Entry", [.init(1, "key", .bytes, .key), .init(2, "value", .bytes, .value)]),
    .init("PipelineModel", [.init(1, "pipeline", .message("Pipeline"))]),
    .init(
      "Pipeline",
      [.init(1, "models", .message("Model"), repeated: true), .init(2, "names", .bytes, repeated: true)]),
    .init("CustomModel", [.init(1, "className", .bytes, .className)], others: 10...20),
    .init("LinkedModel", [.init(1, "linkedModelFile", .message("LinkedModelFile"))]),
    .init(
      "LinkedModelFile",
      [
        .init(1, "linkedModelFileName", .message("LinkedName")),
        .init(2, "linkedModelSearchPath", .message("LinkedPath")),
      ]),
    .init("LinkedName", [.init(1, "defaultValue", .bytes, .linkedName)]),
    .init("LinkedPath", [.init(1, "defaultValue", .bytes, .linkedPath)]),
  ]

  private static let networkParts: [Schema.Message] = [
    .init(
      "NeuralNetwork", [.init(1, "layers", .message("NeuralNetworkLayer"), repeated: true)], others: 2...200),
    .init(
      "NeuralNetworkLayer",
      [
        .init(500, "custom", .message("CustomLayerParams"), .custom),
        .init(605, "branch", .message("BranchLayerParams")), .init(615, "loop", .message("LoopLayerParams")),
      ], others: 1...2000),
    .init("CustomLayerParams", [.init(10, "className", .bytes, .className)], others: 20...40),
    .init(
      "BranchLayerParams",
      [.init(1, "ifBranch", .message("NeuralNetwork")), .init(2, "elseBranch", .message("NeuralNetwork"))]),
    .init(
      "LoopLayerParams",
      [
        .init(3, "conditionNetwork", .message("NeuralNetwork")), .init(4, "bodyNetwork", .message("NeuralNetwork")),
      ], others: 1...2),
  ]

  private static let programParts: [Schema.Message] = [
    .init(
      "Program", [.init(2, "functions", .message("FunctionEntry"), repeated: true)], others: 1...4),
    .init("FunctionEntry", [.init(1, "key", .bytes), .init(2, "value", .message("Function"))]),
    .init(
      "Function", [.init(3, "block_specializations", .message("BlockEntry"), repeated: true)], others: 1...4),
    .init("BlockEntry", [.init(1, "key", .bytes), .init(2, "value", .message("Block"))]),
    .init("Block", [.init(3, "operations", .message("Operation"), .operation, repeated: true)], others: 1...4),
    .init(
      "Operation",
      [
        .init(1, "type", .bytes, .operationType), .init(4, "blocks", .message("Block"), repeated: true),
        .init(5, "attributes", .message("ValueEntry"), repeated: true),
      ], others: 2...3),
    .init("ValueEntry", [.init(1, "key", .bytes), .init(2, "value", .message("Value"))]),
    .init("Value", [.init(5, "blobFileValue", .message("BlobFileValue"))], others: 1...3),
    .init("BlobFileValue", [.init(1, "fileName", .bytes, .weightFile), .init(2, "offset", .varint)]),
  ]
}
