import MScanBytes

/// The tensors of one model under their canonical keys, in canonical layout, ready to be read by position.
///
/// What quantisers split into several tensors is one here; what cannot be read by position (types without a decoder,
/// shapes that do not fit their bytes) is left out.
struct ModelWeights: Sendable {
  /// One tensor: a matrix, or a vector as a matrix of one row.
  struct Tensor: Sendable {
    var reader: any MatrixReader
    var isVector: Bool
  }

  /// Most tensors that are sampled. Count; 4,096: dense models have up to 1,300; of mixtures the first experts do.
  static let tensorLimit = 4096

  var container: String
  var tensors: [TensorKey: Tensor] = [:]
  /// Matrices of a graph format whose names say nothing; their place is found by content.
  var anonymous: [any MatrixReader] = []
  /// `(outputs, inputs)` of each pair of low-rank factors, by the name of the weight they belong to.
  var adapters: [TensorKey: (outputs: Int, inputs: Int)] = [:]
  /// Layers, 1 for a network without numbered layers.
  var layers = 0
  /// Some weights were found and none could be read.
  var isUnreadable = false

  init(_ set: WeightSet) {
    container = set.container
    var builder = WeightsBuilder(set)
    builder.build()
    adapters = builder.adapters
    anonymous = builder.anonymous
    isUnreadable =
      builder.found.isEmpty && builder.adapters.isEmpty && builder.anonymous.isEmpty && !set.tensors.isEmpty
    let keys = CanonicalName.keys(of: builder.found.map(\.name))
    var pairs = Array(zip(keys, builder.found.map(\.tensor)))
    if pairs.count > Self.tensorLimit {
      pairs.removeAll { Self.isLaterExpert($0.0.role) }
      pairs.sort { $0.0 < $1.0 }
      pairs.removeLast(max(0, pairs.count - Self.tensorLimit))
    }
    if !keys.contains(where: { $0.layer >= 0 }) {
      // A network without numbered layers is one layer, each of its matrices a role.
      pairs = pairs.map { key, tensor in
        CanonicalName.isTopRole(key.role) ? (key, tensor) : (key.inLayer(0), tensor)
      }
    }
    for (key, tensor) in pairs where tensors[key] == nil { tensors[key] = tensor }
    undoLayouts(set)
    layers = (tensors.keys.map(\.layer).max() ?? -1) + 1
  }

  /// `experts.3.w1`: all experts of a layer say the same about where it comes from.
  private static func isLaterExpert(_ role: String) -> Bool {
    let steps = role.split(separator: ".")
    guard let at = steps.firstIndex(of: "experts"), at + 1 < steps.count, let number = Int(steps[at + 1]) else {
      return false
    }
    return number > 0
  }

  /// Undoes what containers do to the order of rows and columns.
  private mutating func undoLayouts(_ set: WeightSet) {
    if set.container == "gguf" {
      guard set.architecture == "llama" else { return }
      for (key, tensor) in tensors where key.part == "weight" && ["attn_q", "attn_k"].contains(key.role) {
        guard let heads = key.role == "attn_q" ? set.heads : set.keyHeads ?? set.heads, heads > 0,
          tensor.reader.rows % (2 * heads) == 0, tensor.reader.rows > 0
        else { continue }
        tensors[key]?.reader = HeadRows(matrix: tensor.reader, headRows: tensor.reader.rows / heads)
      }
      return
    }
    guard isConvolution(set) else { return }
    let turned: Set<String> = ["attn_qkv", "attn_output", "ffn_up", "ffn_down"]
    for (key, tensor) in tensors where key.part == "weight" && key.layer >= 0 && turned.contains(key.role) {
      if let dense = tensor.reader as? DenseMatrix {
        tensors[key]?.reader = dense.transposed
      } else {
        tensors[key]?.reader = TurnedMatrix(matrix: tensor.reader)
      }
    }
  }

  /// Whether the linear layers are GPT-2's `Conv1D`, kept [in, out]: the fused projection is three times as wide as high.
  private func isConvolution(_ set: WeightSet) -> Bool {
    if set.architecture == "gpt2" { return true }
    guard set.architecture.isEmpty || set.container == "onnx" else { return false }
    return tensors.contains { key, tensor in
      key.role == "attn_qkv" && key.part == "weight" && tensor.reader.rows * 3 == tensor.reader.columns
    }
  }
}

/// Puts together what containers and quantisers keep apart.
struct WeightsBuilder {
  let set: WeightSet
  private(set) var found: [(name: String, tensor: ModelWeights.Tensor)] = []
  private(set) var anonymous: [any MatrixReader] = []
  private(set) var adapters: [TensorKey: (outputs: Int, inputs: Int)] = [:]
  private var byName: [String: Int] = [:]
  private var taken: Set<String> = []
  private var buffer = ReadBuffer()

  init(_ set: WeightSet) { self.set = set }

  mutating func build() {
    for (index, tensor) in set.tensors.enumerated() where byName[tensor.name] == nil { byName[tensor.name] = index }
    for tensor in set.tensors { pack(tensor.name) }
    for tensor in set.tensors where !taken.contains(tensor.name) {
      if factor(tensor) { continue }
      plain(tensor)
    }
  }

  // MARK: Single tensors

  private mutating func plain(_ tensor: StoredTensor) {
    guard !Self.isSideData(tensor.name), set.sources.indices.contains(tensor.source) else { return }
    let shape = tensor.shape
    guard !shape.isEmpty, shape.allSatisfy({ $0 > 0 }) else { return }
    var inputs = 1
    for extent in shape.dropFirst() {
      guard let product = Checked.multiply(inputs, extent) else { return }
      inputs = product
    }
    let isVector = shape.count == 1
    let (rows, columns) = isVector ? (1, shape[0]) : (shape[0], inputs)
    guard let reader = reader(tensor, rows: rows, columns: columns) else { return }
    let isNameless = set.container == "onnx" && isAnonymous(tensor.name)
    if isNameless {
      if !isVector, min(rows, columns) >= 8 { anonymous.append(reader) }
      return
    }
    found.append((tensor.name, ModelWeights.Tensor(reader: reader, isVector: isVector)))
  }

  private func reader(_ tensor: StoredTensor, rows: Int, columns: Int) -> (any MatrixReader)? {
    let source = set.sources[tensor.source]
    if let element = ElementType(tensor.dtype) {
      if let strides = tensor.strides {
        guard strides.count == tensor.shape.count, strides.allSatisfy({ $0 >= 0 }) else { return nil }
        if tensor.shape.count == 1 {
          return DenseMatrix(
            source: source, offset: tensor.bytes.start, element: element, rows: 1, columns: columns, rowStep: 0,
            columnStep: strides[0])
        }
        if tensor.shape.count == 2 {
          return DenseMatrix(
            source: source, offset: tensor.bytes.start, element: element, rows: rows, columns: columns,
            rowStep: strides[0], columnStep: strides[1])
        }
        guard Self.isRowMajor(tensor.shape, strides) else { return nil }
      }
      return DenseMatrix(source: source, offset: tensor.bytes.start, element: element, rows: rows, columns: columns)
    }
    guard let block = GGMLBlock(tensor.dtype), columns % block.elements == 0 else { return nil }
    return BlockMatrix(source: source, offset: tensor.bytes.start, block: block, rows: rows, columns: columns)
  }

  private static func isRowMajor(_ shape: [Int], _ strides: [Int]) -> Bool {
    var step = 1
    for (extent, stride) in zip(shape, strides).reversed() {
      if extent > 1, stride != step { return false }
      guard let next = Checked.multiply(step, extent) else { return false }
      step = next
    }
    return true
  }

  /// What quantisers keep beside the weights.
  private static func isSideData(_ name: String) -> Bool {
    let last = name.split(separator: ".").last.map(String.init) ?? name
    return [
      "qweight", "qzeros", "scales", "g_idx", "absmax", "quant_map", "SCB", "weight_format", "nested_absmax",
      "nested_quant_map", "inv_freq", "num_batches_tracked",
    ].contains(last) || last.hasSuffix("_scale") || last.hasSuffix("_scale_inv") || last.hasSuffix("_zero_point")
      || name.holds("quant_state")
  }

  private func isAnonymous(_ name: String) -> Bool {
    if name.hasPrefix("onnx::") { return true }
    let key = CanonicalName.read(name).key
    return key.layer < 0 && !CanonicalName.isTopRole(key.role)
  }

  // MARK: Groups

  private func stored(_ name: String) -> StoredTensor? { byName[name].map { set.tensors[$0] } }

  /// A tensor of plain elements, a vector as one row.
  private func dense(_ name: String) -> DenseMatrix? {
    guard let tensor = stored(name), set.sources.indices.contains(tensor.source),
      let element = ElementType(tensor.dtype), tensor.strides == nil || tensor.shape.count == 1
    else { return nil }
    let shape = tensor.shape
    guard shape.count <= 2, shape.allSatisfy({ $0 > 0 }) else { return nil }
    let rows = shape.count == 2 ? shape[0] : 1
    return DenseMatrix(
      source: set.sources[tensor.source], offset: tensor.bytes.start, element: element, rows: rows,
      columns: shape.last ?? 1)
  }

  private func flat(_ matrix: DenseMatrix?) -> DenseMatrix? {
    guard let matrix, let count = Checked.multiply(matrix.rows, matrix.columns) else { return nil }
    return DenseMatrix(
      source: matrix.source, offset: matrix.offset, element: matrix.element, rows: 1, columns: count)
  }

  /// Looks whether `name` opens a group of tensors that together are one weight.
  private mutating func pack(_ name: String) {
    if let stem = name.dropping(suffix: ".qweight") { return grouped(stem, name) }
    if let weight = name.dropping(suffix: ".quant_state.bitsandbytes__nf4") { return coded(weight, name, .nf4) }
    if let weight = name.dropping(suffix: ".quant_state.bitsandbytes__fp4") { return coded(weight, name, .fp4) }
    if let stem = name.dropping(suffix: ".SCB") { return scaled(stem + ".weight", name, spread: .row, by: 1 / 127) }
    if let stem = name.dropping(suffix: "_scale_inv") { return scaled(stem, name, spread: nil, by: 1) }
    if let stem = name.dropping(suffix: "_scale") {
      for weight in [stem, stem + "_quantized", stem + "_q"] where byName[weight] != nil {
        return scaled(weight, name, spread: nil, by: 1)
      }
    }
    if let stem = name.dropping(suffix: ".biases") { return affine(stem, name) }
  }

  private mutating func add(_ name: String, _ reader: any MatrixReader, from parts: [String]) {
    found.append((name, ModelWeights.Tensor(reader: reader, isVector: false)))
    taken.formUnion(parts)
  }

  private mutating func grouped(_ stem: String, _ name: String) {
    guard let words = dense(name), let zeros = dense(stem + ".qzeros"), let scales = dense(stem + ".scales"),
      let reader = GroupedMatrix(words: words, zeros: zeros, scales: scales, groups: dense(stem + ".g_idx"))
    else { return }
    add(stem + ".weight", reader, from: [name])
  }

  private mutating func coded(_ weight: String, _ name: String, _ type: StoredType) {
    guard let codes = stored(weight), let scales = flat(dense(weight + ".absmax")),
      let table = values(weight + ".quant_map"), let state = text(name), set.sources.indices.contains(codes.source)
    else { return }
    let shape = FlatText.numbers(after: "shape", in: state).map { Int(exactly: $0) ?? 0 }
    let block = FlatText.numbers(after: "blocksize", in: state).first.flatMap { Int(exactly: $0) } ?? 64
    guard shape.count == 2, shape.allSatisfy({ $0 > 0 }), block > 0 else { return }
    var nested: (table: [Float], scales: DenseMatrix, block: Int, offset: Float)?
    if let outer = flat(dense(weight + ".nested_absmax")), let map = values(weight + ".nested_quant_map") {
      let size = FlatText.numbers(after: "nested_blocksize", in: state).first.flatMap { Int(exactly: $0) } ?? 256
      let offset = FlatText.numbers(after: "nested_offset", in: state).first ?? 0
      nested = (map, outer, max(1, size), Float(offset))
    }
    let reader = CodeMatrix(
      codes: set.sources[codes.source], codesOffset: codes.bytes.start, table: table, scales: scales, nested: nested,
      block: block, rows: shape[0], columns: shape[1], type: type)
    add(weight, reader, from: [weight, name])
  }

  private mutating func scaled(_ weight: String, _ name: String, spread: ScaledMatrix.Spread?, by factor: Float) {
    guard let matrix = dense(weight), matrix.element.width == 1, matrix.rows > 1, let scales = dense(name) else {
      return
    }
    let count = scales.rows.multipliedReportingOverflow(by: scales.columns).partialValue
    let shape: ScaledMatrix.Spread
    if let spread {
      shape = spread
    } else if count == 1 {
      shape = .whole
    } else if set.container == "onnx", count == matrix.columns {
      shape = .column
    } else if count == matrix.rows {
      shape = .row
    } else if count == matrix.columns {
      shape = .column
    } else if scales.rows > 1, scales.columns > 0 {
      shape = .square(max(1, (matrix.rows &+ scales.rows &- 1) / scales.rows))
    } else {
      return
    }
    var table = scales
    if case .square = shape {} else if let whole = flat(scales) { table = whole }
    let isFloat = matrix.element.stored == .fp8
    let zeros = weight.dropping(suffix: "_quantized") ?? weight.dropping(suffix: "_q")
    let reader = ScaledMatrix(
      matrix: matrix, scales: table, zeros: zeros.flatMap { flat(dense($0 + "_zero_point")) }, spread: shape,
      factor: factor, type: isFloat ? .fp8 : .int8)
    taken.formUnion([weight, name])
    if let zeros {
      // Graphs multiply from the other side, and give the weight a number for a name.
      if isAnonymous(zeros) {
        anonymous.append(reader)
      } else {
        found.append((zeros, ModelWeights.Tensor(reader: reader.transposed, isVector: false)))
      }
    } else {
      found.append((weight, ModelWeights.Tensor(reader: reader, isVector: false)))
    }
  }

  private mutating func affine(_ stem: String, _ name: String) {
    guard let words = dense(stem + ".weight"), let scales = dense(stem + ".scales"), let offsets = dense(name),
      let reader = AffineMatrix(words: words, scales: scales, offsets: offsets)
    else { return }
    add(stem + ".weight", reader, from: [stem + ".weight", stem + ".scales", name])
  }

  /// Up to 256 values of a table.
  private mutating func values(_ name: String) -> [Float]? {
    guard let table = flat(dense(name)), table.columns <= 256 else { return nil }
    var out: [Float] = []
    table.read(row: 0, column: 0, count: table.columns, into: &out, using: &buffer)
    return out
  }

  /// A text that is kept as a tensor of bytes: up to 4 KiB.
  private func text(_ name: String) -> [UInt8]? {
    guard let tensor = stored(name), set.sources.indices.contains(tensor.source), tensor.bytes.count <= 4096 else {
      return nil
    }
    return set.sources[tensor.source].prefix(tensor.bytes.count, at: tensor.bytes.start)
  }

  // MARK: Adapters

  /// Takes one factor of a low-rank adapter: `….lora_A.weight`, `….lora_B.default.weight`, `….lora_down.weight`.
  private mutating func factor(_ tensor: StoredTensor) -> Bool {
    guard tensor.shape.count == 2, let mark = Self.adapterMarks.first(where: { tensor.name.holds($0.mark) }) else {
      return false
    }
    var stem = tensor.name
    if let range = stem.range(ofText: mark.mark) { stem = String(stem[..<range.lowerBound]) }
    for prefix in ["base_model.model.", "base_model."] where stem.hasPrefix(prefix) {
      stem = String(stem.dropFirst(prefix.count))
      break
    }
    let key = CanonicalName.read(stem + ".weight").key
    var shape = adapters[key] ?? (0, 0)
    if mark.isOutput { shape.outputs = tensor.shape[0] } else { shape.inputs = tensor.shape[1] }
    adapters[key] = shape
    return true
  }

  private static let adapterMarks: [(mark: String, isOutput: Bool)] = [
    (".lora_A.", false), (".lora_B.", true), (".lora_down.", false), (".lora_up.", true), (".lora_embedding_A", false),
    (".lora_embedding_B", true), (".lora_a", false), (".lora_b", true),
  ]
}

extension String {
  func dropping(suffix: String) -> String? { hasSuffix(suffix) ? String(dropLast(suffix.count)) : nil }

  /// The first place of `text`, which is ASCII and not empty: byte by byte, since cards are searched line by line.
  func range(ofText text: String) -> Range<Index>? {
    guard let first = text.utf8.first else { return nil }
    var rest = utf8[...]
    while let at = rest.firstIndex(of: first) {
      if rest[at...].starts(with: text.utf8) { return at..<utf8.index(at, offsetBy: text.utf8.count) }
      rest = rest[utf8.index(after: at)...]
    }
    return nil
  }
}

/// Numbers in a small text of JSON that a program wrote.
enum FlatText {
  /// The number or the list of numbers behind `"key":`; empty without one. Up to eight.
  static func numbers(after key: String, in text: [UInt8]) -> [Double] {
    let mark = Array("\"\(key)\"".utf8)
    guard text.count >= mark.count,
      let start = (0...(text.count - mark.count)).first(where: { text[$0..<($0 + mark.count)].elementsEqual(mark) })
    else { return [] }
    var found: [Double] = []
    var digits = ""
    var isList = false
    for byte in text[(start + mark.count)...] {
      let character = Character(Unicode.Scalar(byte))
      if "+-.eE0123456789".contains(character) {
        digits.append(character)
        continue
      }
      if !digits.isEmpty {
        if let number = Double(digits) { found.append(number) }
        digits = ""
        if !isList || found.count == 8 { return found }
      }
      switch character {
      case "[": isList = true
      case ":", " ", ",": continue
      default: return found
      }
    }
    if let number = Double(digits) { found.append(number) }
    return found
  }
}
