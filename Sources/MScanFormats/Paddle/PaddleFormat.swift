import MScanBytes
public import MScanFacts

/// `__model__`, `.pdmodel`: a `ProgramDesc` of PaddlePaddle. Source: `framework.proto`, PaddlePaddle 3.
public enum PaddleFormat: Format {
  public static let id = "paddle"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<PaddleVisitor>(input)
    var visitor = PaddleVisitor(input)
    walk.run(&visitor, into: &sink)
    visitor.finish(into: &sink)
    sink.sortFacts(after: mark)
  }
}

enum PaddleRole: Sendable { case operation, type, attribute, name, text }

struct PaddleVisitor: ProtobufVisitor {
  static let schema = ProtobufSchema<PaddleRole>([
    .init("ProgramDesc", [.init(1, "blocks", .message("BlockDesc"), repeated: true)], others: 2...6),
    .init("BlockDesc", [.init(4, "ops", .message("OpDesc"), .operation, repeated: true)], others: 1...5),
    .init(
      "OpDesc",
      [
        .init(3, "type", .bytes, .type), .init(4, "attrs", .message("Attr"), .attribute, repeated: true),
      ], others: 1...5),
    .init(
      "Attr",
      [
        .init(1, "name", .bytes, .name), .init(5, "s", .bytes, .text),
        .init(8, "strings", .bytes, .text, repeated: true),
      ], others: 2...21),
  ])

  private let input: ArtifactInput
  private var operations: GraphOperations
  private var node: (range: ByteRange, type: String, arguments: GraphArguments)?
  private var name = ""
  private var texts: [String] = []

  init(_ input: ArtifactInput) {
    self.input = input
    operations = GraphOperations(input)
  }

  mutating func begin(_ role: PaddleRole, _ range: ByteRange) {
    if role == .operation { node = (range, "", GraphArguments()) } else { (name, texts) = ("", []) }
  }

  mutating func end(_ role: PaddleRole, _ range: ByteRange, into sink: inout FactBuffer) {
    switch role {
    case .operation:
      guard let node else { return }
      let type = node.type.isEmpty ? "?" : node.type
      operations.add(
        OperationFact(framework: PaddleFormat.id, name: type, arguments: node.arguments.texts), node.range, node: type)
    case .attribute:
      // Notes of the compiler: where in the source, which device, which pass.
      guard !name.hasPrefix("op_") else { return }
      for text in texts where !text.isEmpty { node?.arguments.add(name, text, input.limits) }
    case .type, .name, .text: break
    }
  }

  mutating func take(
    _ role: PaddleRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    switch role {
    case .type:
      let type = reader.text(field.payload, limit: 256)
      node?.type = type
    case .name: name = reader.text(field.payload, limit: 256)
    case .text: if texts.count < 8 { texts.append(reader.text(field.payload, limit: 200)) }
    case .operation, .attribute: break
    }
  }

  func finish(into sink: inout FactBuffer) { operations.finish(into: &sink) }
}
