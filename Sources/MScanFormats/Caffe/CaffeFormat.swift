import MScanBytes
public import MScanFacts

/// `.caffemodel`: a `NetParameter` of Caffe. Source: `caffe.proto`, Caffe 1.0.
public enum CaffeFormat: Format {
  public static let id = "caffe"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<CaffeVisitor>(input)
    var visitor = CaffeVisitor(input)
    walk.run(&visitor, into: &sink)
    visitor.finish(into: &sink)
    sink.sortFacts(after: mark)
  }
}

enum CaffeRole: Sendable { case name, layer, layerName, type, module, pythonLayer, parameter, source, file }

struct CaffeVisitor: ProtobufVisitor {
  static let schema = ProtobufSchema<CaffeRole>([
    .init(
      "NetParameter",
      [.init(1, "name", .bytes, .name), .init(100, "layer", .message("LayerParameter"), .layer, repeated: true)],
      others: 2...8),
    .init(
      "LayerParameter",
      [
        .init(1, "name", .bytes, .layerName), .init(2, "type", .bytes, .type),
        .init(107, "data_param", .message("Source")), .init(112, "hdf5_data_param", .message("Source")),
        .init(113, "hdf5_output_param", .message("File")), .init(115, "image_data_param", .message("Source")),
        .init(129, "window_data_param", .message("Source")), .init(130, "python_param", .message("PythonParameter")),
      ], others: 3...300),
    .init("Source", [.init(1, "source", .bytes, .source)], others: 2...30),
    .init("File", [.init(1, "file_name", .bytes, .file)]),
    .init(
      "PythonParameter",
      [
        .init(1, "module", .bytes, .module), .init(2, "layer", .bytes, .pythonLayer),
        .init(3, "param_str", .bytes, .parameter), .init(4, "share_in_parallel", .varint),
      ]),
  ])

  private let input: ArtifactInput
  private var operations: GraphOperations
  private var node: (range: ByteRange, name: String, type: String, arguments: GraphArguments)?

  init(_ input: ArtifactInput) {
    self.input = input
    operations = GraphOperations(input)
  }

  mutating func begin(_ role: CaffeRole, _ range: ByteRange) {
    if role == .layer { node = (range, "", "", GraphArguments()) }
  }

  mutating func end(_ role: CaffeRole, _ range: ByteRange, into sink: inout FactBuffer) {
    guard role == .layer, let node else { return }
    let type = node.type.isEmpty ? "?" : node.type
    operations.add(
      OperationFact(framework: CaffeFormat.id, name: type, arguments: node.arguments.texts), node.range,
      node: node.name.isEmpty ? type : node.name)
  }

  mutating func take(
    _ role: CaffeRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    let text = reader.text(field.payload, limit: 256)
    switch role {
    case .name:
      sink.emit(
        .value(ValueFact(keyPath: "name", value: .text(text))), artifact: input.index, range: field.range,
        place: .path("name"))
    case .layerName: node?.name = text
    case .type: node?.type = text
    case .module: node?.arguments.add("module", text, input.limits)
    case .pythonLayer: node?.arguments.add("layer", text, input.limits)
    case .parameter: node?.arguments.add("param_str", text, input.limits)
    case .source: node?.arguments.add("source", text, input.limits)
    case .file: node?.arguments.add("file_name", text, input.limits)
    case .layer: break
    }
  }

  func finish(into sink: inout FactBuffer) { operations.finish(into: &sink) }
}
