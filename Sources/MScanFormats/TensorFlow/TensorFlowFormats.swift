import MScanBytes
public import MScanFacts

/// `saved_model.pb`: a `SavedModel` with its graphs and functions.
public enum SavedModelFormat: Format {
  public static let id = "savedmodel"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    TensorFlowReader.read(input, SavedModelRoot.self, into: &sink)
  }
}

/// A checkpoint's `.meta`: one `MetaGraphDef`.
public enum MetaGraphFormat: Format {
  public static let id = "tf-metagraph"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    TensorFlowReader.read(input, MetaGraphRoot.self, into: &sink)
  }
}

/// A frozen graph: one `GraphDef` with its weights as constants, which are stepped over.
public enum GraphDefFormat: Format {
  public static let id = "graphdef"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    TensorFlowReader.read(input, GraphRoot.self, into: &sink)
  }
}

enum TensorFlowReader {
  static func read<Root: TensorFlowRoot>(_ input: ArtifactInput, _ root: Root.Type, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<TensorFlowVisitor<Root>>(input)
    var visitor = TensorFlowVisitor<Root>(input)
    walk.run(&visitor, into: &sink)
    visitor.finish(into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// `keras_metadata.pb`: a `SavedMetadata`, with the configuration of each Keras object as JSON. Source:
/// `saved_metadata.proto` of Keras 2.
public enum KerasMetadataFormat: Format {
  public static let id = "keras-metadata"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<KerasMetadataVisitor>(input)
    var visitor = KerasMetadataVisitor(input)
    walk.run(&visitor, into: &sink)
    sink.sortFacts(after: mark)
  }
}

enum KerasMetadataRole: Sendable { case object, path, identifier, metadata }

struct KerasMetadataVisitor: ProtobufVisitor {
  static let schema = ProtobufSchema<KerasMetadataRole>([
    .init("SavedMetadata", [.init(1, "nodes", .message("SavedObject"), .object, repeated: true)]),
    .init(
      "SavedObject",
      [
        .init(2, "node_id", .varint), .init(3, "node_path", .bytes, .path),
        .init(4, "identifier", .bytes, .identifier), .init(5, "metadata", .bytes, .metadata),
        .init(6, "version", .opaque),
      ]),
  ])

  private let input: ArtifactInput
  private var path = ""
  private var identifier = ""
  private var metadata: ByteRange?

  init(_ input: ArtifactInput) { self.input = input }

  mutating func begin(_ role: KerasMetadataRole, _ range: ByteRange) { (path, identifier, metadata) = ("", "", nil) }

  mutating func end(_ role: KerasMetadataRole, _ range: ByteRange, into sink: inout FactBuffer) {
    sink.emit(
      .value(ValueFact(keyPath: path.isEmpty ? "root" : path, value: .text(identifier))), artifact: input.index,
      range: range, place: .path(path))
  }

  mutating func take(
    _ role: KerasMetadataRole, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    switch role {
    case .path: path = reader.text(field.payload, limit: input.limits.argumentCharacters)
    case .identifier: identifier = reader.text(field.payload, limit: input.limits.argumentCharacters)
    case .metadata:
      let isQueued = EmbeddedDocument.queue(
        path.isEmpty ? "object" : path, field.payload, &reader, input, into: &sink)
      if !isQueued, !field.payload.isEmpty {
        sink.emit(
          .anomaly(
            AnomalyFact(
              subject: "keras.metadata", field: "metadata", detail: "the configuration is not JSON", incomplete: true)),
          artifact: input.index, range: field.range, place: .path(path))
      }
    case .object: break
    }
  }
}

/// `fingerprint.pb`: a `FingerprintDef`, hashes of a SavedModel.
public enum FingerprintFormat: Format {
  public static let id = "tf-fingerprint"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = ProtobufWalk<FingerprintVisitor>(input)
    var visitor = FingerprintVisitor(input: input)
    walk.run(&visitor, into: &sink)
    sink.sortFacts(after: mark)
  }
}

struct FingerprintVisitor: ProtobufVisitor {
  static let schema = ProtobufSchema<String>([
    .init(
      "FingerprintDef",
      [
        .init(1, "saved_model_checksum", .varint, "saved_model_checksum"),
        .init(2, "graph_def_program_hash", .varint, "graph_def_program_hash"),
        .init(3, "signature_def_hash", .varint, "signature_def_hash"),
        .init(4, "saved_object_graph_hash", .varint, "saved_object_graph_hash"),
        .init(5, "checkpoint_hash", .varint, "checkpoint_hash"), .init(6, "version", .opaque),
        .init(7, "uuid", .bytes, "uuid"),
      ])
  ])

  let input: ArtifactInput

  mutating func begin(_ role: String, _ range: ByteRange) {}
  mutating func end(_ role: String, _ range: ByteRange, into sink: inout FactBuffer) {}

  mutating func take(
    _ role: String, _ field: ProtobufField, _ reader: inout ProtobufReader, into sink: inout FactBuffer
  ) {
    let scalar: ValueFact.Scalar =
      field.wire == .length
      ? .text(reader.text(field.payload, limit: input.limits.argumentCharacters)) : .number("\(field.value)")
    sink.emit(
      .value(ValueFact(keyPath: role, value: scalar)), artifact: input.index, range: field.range, place: .path(role))
  }
}
