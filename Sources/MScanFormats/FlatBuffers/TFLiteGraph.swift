import MScanBytes
import MScanFacts

extension TFLiteReader {
  private static let extentsKept = 64
  /// Options of an operator of TensorFlow that are read. Bytes.
  private static let optionsLimit = 1 << 16

  mutating func subgraphs(_ model: FlatBuffer.Table, into sink: inout FactBuffer) throws(ParseFailure) {
    guard let vector = try buffer.vector(2, of: model, width: 4, "subgraphs") else { return }
    for index in 0..<vector.count {
      let graph = try buffer.table(index, of: vector, "subgraphs")
      let name = try buffer.string(4, of: graph, limit: Self.textLimit, "name") ?? ""
      let tensors = try buffer.vector(0, of: graph, width: 4, "tensors")
      let count = tensors?.count ?? 0
      if let tensors {
        for tensor in 0..<count { try self.tensor(tensor, of: tensors, into: &sink) }
      }
      for (field, title) in [(1, "inputs"), (2, "outputs")] {
        try checkIndexes(field, of: graph, below: count, "subgraph \(index) \(title)", into: &sink)
      }
      guard let operators = try buffer.vector(3, of: graph, width: 4, "operators") else { continue }
      let scope = index == 0 ? "" : name.isEmpty ? "subgraph \(index)" : name
      for number in 0..<operators.count {
        let table = try buffer.table(number, of: operators, "operators")
        try operation(table, number, scope: scope, tensors: count, into: &sink)
      }
    }
  }

  // MARK: Tensors

  /// Tensors with data of their own are stated; the others are only held against the tables.
  private mutating func tensor(
    _ number: Int, of tensors: FlatBuffer.Vector, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let table = try buffer.table(number, of: tensors, "tensors")
    let name = try buffer.string(3, of: table, limit: Self.textLimit, "name") ?? ""
    let index = try buffer.number(2, of: table, width: 4, "buffer")
    let bytes = range(ofBuffer: index, "tensor \(name.prefix(80))", table, into: &sink)
    let shape = try buffer.vector(0, of: table, width: 4, "shape")
    var extents: [Int] = []
    if let shape {
      for position in 0..<min(shape.count, Self.extentsKept) {
        let extent = Int32(truncatingIfNeeded: Int(try buffer.number(position, of: shape, "shape")))
        extents.append(Int(extent))
      }
    }
    _ = try buffer.vector(7, of: table, width: 4, "shape_signature")
    if let quantization = try buffer.child(4, of: table, "quantization") {
      for (field, width) in [(0, 4), (1, 4), (2, 4), (3, 8)] {
        _ = try buffer.vector(field, of: quantization, width: width, "quantization")
      }
      if try buffer.number(4, of: quantization, width: 1, "details_type") != 0 { isOpen = true }
    }
    if try buffer.child(6, of: table, "sparsity") != nil { isOpen = true }
    guard !bytes.isEmpty else { return }
    let type = Int(try buffer.number(1, of: table, width: 1, "type"))
    sink.emit(
      .tensor(TensorFact(name: name, dtype: TFLiteNames.type(type), shape: extents, bytes: bytes)),
      artifact: input.index, range: table.range, place: .tensor(name))
  }

  /// Indexes of tensors; -1 stands for an input that is left out.
  private mutating func checkIndexes(
    _ field: Int, of table: FlatBuffer.Table, below count: Int, _ owner: String, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard let vector = try buffer.vector(field, of: table, width: 4, "tensor indexes") else { return }
    for position in 0..<vector.count {
      let index = Int32(truncatingIfNeeded: Int(try buffer.number(position, of: vector, "tensor indexes")))
      guard index < -1 || Int(index) >= count else { continue }
      return note(
        "tflite.index", table.range, field: "tensor", detail: "\(owner): tensor \(index) of \(count)", into: &sink)
    }
  }

  // MARK: Operators

  private mutating func operation(
    _ table: FlatBuffer.Table, _ number: Int, scope: String, tensors: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let index = try buffer.number(0, of: table, width: 4, "opcode_index")
    for (field, title) in [(1, "inputs"), (2, "outputs")] {
      try checkIndexes(field, of: table, below: tensors, "operator \(number) \(title)", into: &sink)
    }
    _ = try buffer.child(4, of: table, "builtin_options")
    guard let position = Int(exactly: index), codes.indices.contains(position) else {
      return note(
        "tflite.index", table.range, field: "opcode_index",
        detail: "operator \(number): code \(index) of \(codes.count)", into: &sink)
    }
    let code = codes[position]
    var options = try buffer.vector(5, of: table, width: 1, "custom_options")?.range ?? ByteRange(0, 0)
    let offset = try buffer.number(9, of: table, width: 8, "large_custom_options_offset")
    let size = try buffer.number(10, of: table, width: 8, "large_custom_options_size")
    let large = outside(offset, size, "operator \(number)", table, into: &sink)
    if options.isEmpty { options = large }
    guard code.builtin == TFLiteNames.custom else {
      var arguments: [String] = []
      let more = try buffer.child(12, of: table, "builtin_options_2")
      if code.builtin == TFLiteNames.stableHLOCustomCall, let more {
        arguments = [try buffer.string(0, of: more, limit: 256, "call_target_name") ?? "?"]
      }
      return state(
        OperationFact(
          framework: "tflite", name: TFLiteNames.builtin(code.builtin), scope: scope, arguments: arguments), table,
        number, into: &sink)
    }
    state(
      OperationFact(
        framework: "tflite", name: code.custom.isEmpty ? "?" : code.custom, domain: "custom", scope: scope), table,
      number, into: &sink)
    for name in try flexNames(code.custom, options) {
      let place = scope.isEmpty ? "flex delegate" : "flex delegate, " + scope
      state(OperationFact(framework: "tf", name: name, scope: place), table, number, into: &sink)
    }
  }

  /// What TensorFlow runs for an operator `Flex…`: the names in its options, which count, and the one in its code.
  private mutating func flexNames(_ code: String, _ options: ByteRange) throws(ParseFailure) -> [String] {
    guard code.hasPrefix("Flex") else { return [] }
    var names = [String(code.dropFirst(4))]
    try buffer.charge(min(options.count, Self.optionsLimit) / 64, at: options.start)
    let bytes = input.source.prefix(min(options.count, Self.optionsLimit), at: options.start)
    if let strings = FlexBuffer.strings(bytes, limit: 8) {
      if let first = strings.first { names.append(String(decoding: first.prefix(256), as: UTF8.self)) }
      if strings.count > 1, let name = FlexBuffer.operatorName(ofDefinition: strings[1]) { names.append(name) }
    } else if !options.isEmpty {
      names.append("?")
    }
    var known: [String] = []
    for name in names where !known.contains(name) { known.append(name.isEmpty ? "?" : name) }
    return known
  }

  private func state(
    _ fact: OperationFact, _ table: FlatBuffer.Table, _ number: Int, into sink: inout FactBuffer
  ) {
    sink.emit(.operation(fact), artifact: input.index, range: table.range, place: .node("operator \(number)"))
  }
}
