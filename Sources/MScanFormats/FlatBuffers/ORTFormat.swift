import MScanBytes
public import MScanFacts

/// ONNX Runtime's own format: a FlatBuffers file with the nodes of an ONNX graph. Operators and domains are stated as
/// those of ONNX. Source: `ort.fbs` of ONNX Runtime, 1.20.
public enum ORTFormat: Format {
  public static let id = "ort"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = ORTReader(input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

private struct ORTReader {
  private static let textLimit = 1024

  private let input: ArtifactInput
  private var buffer: FlatBuffer

  init(_ input: ArtifactInput) {
    self.input = input
    buffer = FlatBuffer(input.source, limits: input.limits)
  }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    let session = try buffer.root("InferenceSession")
    if let version = try buffer.string(0, of: session, limit: Self.textLimit, "ort_version") {
      state("ort_version", version, session, into: &sink)
    }
    guard let model = try buffer.child(1, of: session, "model") else {
      throw ParseFailure(.malformed, "model", at: session.position)
    }
    for (field, name) in [(2, "producer_name"), (3, "producer_version"), (4, "domain"), (6, "doc_string")] {
      if let text = try buffer.string(field, of: model, limit: Self.textLimit, "model") {
        state(name, text, model, into: &sink)
      }
    }
    if let entries = try buffer.vector(9, of: model, width: 4, "metadata_props") {
      for index in 0..<entries.count {
        let entry = try buffer.table(index, of: entries, "metadata_props")
        let key = try buffer.string(0, of: entry, limit: Self.textLimit, "key") ?? ""
        let value = try buffer.string(1, of: entry, limit: 4 * Self.textLimit, "value") ?? ""
        state("metadata_props." + key, value, entry, into: &sink)
      }
    }
    guard let graph = try buffer.child(7, of: model, "graph") else { return }
    try graphs(from: graph, into: &sink)
  }

  /// The graph and those in attributes of its nodes.
  private mutating func graphs(from main: FlatBuffer.Table, into sink: inout FactBuffer) throws(ParseFailure) {
    var open = [(graph: main, scope: "", depth: 0)]
    while let (graph, scope, depth) = open.popLast() {
      guard depth < input.limits.nesting else {
        throw ParseFailure(.limitExceeded, "nesting", at: graph.position)
      }
      try tensors(graph, into: &sink)
      guard let nodes = try buffer.vector(2, of: graph, width: 4, "nodes") else { continue }
      for index in 0..<nodes.count {
        let node = try buffer.table(index, of: nodes, "nodes")
        let name = try buffer.string(0, of: node, limit: Self.textLimit, "name") ?? ""
        let domain = try buffer.string(2, of: node, limit: Self.textLimit, "domain") ?? ""
        let type = try buffer.string(5, of: node, limit: Self.textLimit, "op_type") ?? "?"
        sink.emit(
          .operation(
            OperationFact(
              framework: "onnx", name: type, domain: domain == "ai.onnx" ? "" : domain, node: name, scope: scope)),
          artifact: input.index, range: node.range, place: .node(name.isEmpty ? "node \(index)" : name))
        guard let attributes = try buffer.vector(10, of: node, width: 4, "attributes") else { continue }
        for position in 0..<attributes.count {
          let attribute = try buffer.table(position, of: attributes, "attributes")
          let inner = name.isEmpty ? type : name
          if let graph = try buffer.child(7, of: attribute, "g") { open.append((graph, inner, depth &+ 1)) }
          guard let graphs = try buffer.vector(12, of: attribute, width: 4, "graphs") else { continue }
          for number in 0..<graphs.count {
            // Graphs that wait take memory, and a file may name one graph any number of times.
            try buffer.charge(64, at: attribute.position)
            open.append((try buffer.table(number, of: graphs, "graphs"), inner, depth &+ 1))
          }
        }
      }
    }
  }

  private mutating func tensors(_ graph: FlatBuffer.Table, into sink: inout FactBuffer) throws(ParseFailure) {
    guard let initializers = try buffer.vector(0, of: graph, width: 4, "initializers") else { return }
    for index in 0..<initializers.count {
      let tensor = try buffer.table(index, of: initializers, "initializers")
      let name = try buffer.string(0, of: tensor, limit: Self.textLimit, "name") ?? ""
      var shape: [Int] = []
      if let dims = try buffer.vector(2, of: tensor, width: 8, "dims") {
        for position in 0..<min(dims.count, 64) {
          shape.append(Int(truncatingIfNeeded: try buffer.number(position, of: dims, "dims")))
        }
      }
      let type = try buffer.number(3, of: tensor, width: 4, "data_type")
      let data = try buffer.vector(4, of: tensor, width: 1, "raw_data")?.range ?? ByteRange(0, 0)
      sink.emit(
        .tensor(TensorFact(name: name, dtype: "onnx type \(type)", shape: shape, bytes: data)), artifact: input.index,
        range: tensor.range, place: .tensor(name))
    }
  }

  private func state(_ path: String, _ text: String, _ table: FlatBuffer.Table, into sink: inout FactBuffer) {
    sink.emit(
      .value(ValueFact(keyPath: path, value: .text(text))), artifact: input.index, range: table.range,
      place: .path("/" + JSONWalk.pointerStep(path)))
  }
}
