/// A few thousand values of a model, enough to say which other model it was made from, and how.
public struct Sketch: Sendable {
  /// The values of one tensor.
  struct Entry: Sendable {
    var rows: Int
    var columns: Int
    var isVector: Bool
    var type: StoredType
    /// In ``Sketch/values``; empty for tensors too small to say anything, whose shape alone is kept.
    var range: Range<Int>

    func hasShape(of other: Entry) -> Bool {
      rows == other.rows && columns == other.columns && isVector == other.isVector
    }
  }

  /// A square of a matrix, for the rank of what was added to it.
  struct Block: Sendable {
    var rows: Int
    var columns: Int
    var values: [Float]
  }

  var container: String
  var layers: Int
  var entries: [TensorKey: Entry] = [:]
  var values: [Float] = []
  /// Rows of the embedding, and the norms of some of them: no permutation or rotation of the hidden dimension changes
  /// them.
  var embedding: (rows: Int, norms: [Float])?
  var blocks: [TensorKey: Block] = [:]

  init(container: String, layers: Int) {
    self.container = container
    self.layers = layers
  }

  /// The keys in order: every sum over a model runs the same way each time.
  var keys: [TensorKey] { entries.keys.sorted() }

  public var layerCount: Int { layers }
  public var tensorCount: Int { entries.count }

  /// Whether a matrix is large enough to tell models apart.
  static func isTelling(rows: Int, columns: Int) -> Bool { min(rows, columns) >= 8 }

  func values(of entry: Entry) -> ArraySlice<Float> {
    guard entry.range.lowerBound >= 0, entry.range.upperBound <= values.count else { return [] }
    return values[entry.range]
  }

  /// Values and entry of a key that has any.
  func sample(_ key: TensorKey) -> (entry: Entry, values: ArraySlice<Float>)? {
    guard let entry = entries[key], !entry.range.isEmpty else { return nil }
    return (entry, values(of: entry))
  }

  mutating func add(_ key: TensorKey, _ entry: Entry, _ sampled: [Float]) {
    var entry = entry
    entry.range = values.count..<(values.count + sampled.count)
    values.append(contentsOf: sampled)
    entries[key] = entry
  }

  /// What most of the layers' matrices are stored as, when that is a grid.
  public var quantization: StoredType? {
    var counts: [StoredType: Int] = [:]
    var total = 0
    for (key, entry) in entries where key.layer >= 0 && !entry.isVector && key.part == "weight" {
      total += 1
      if entry.type.isQuantized { counts[entry.type, default: 0] += 1 }
    }
    guard counts.values.reduce(0, +) * 2 > total else { return nil }
    return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key
  }
}

/// Takes sketches of models.
struct Sketcher {
  let model: ModelWeights
  private(set) var buffer = ReadBuffer()

  init(_ model: ModelWeights) { self.model = model }

  /// The sketch without what only registry entries and hard cases need.
  mutating func sketch() -> Sketch {
    var sketch = Sketch(container: model.container, layers: model.layers)
    for (key, tensor) in model.tensors.sorted(by: { $0.key < $1.key }) {
      let reader = tensor.reader
      let entry = Sketch.Entry(
        rows: reader.rows, columns: reader.columns, isVector: tensor.isVector, type: reader.type, range: 0..<0)
      if tensor.isVector {
        sketch.add(key, entry, reader.columns >= 8 ? vector(reader) : [])
      } else {
        let isTelling = Sketch.isTelling(rows: reader.rows, columns: reader.columns)
        sketch.add(key, entry, isTelling ? matrix(reader, rows: reader.rows, columns: reader.columns) : [])
      }
    }
    return sketch
  }

  /// Values at the places that a shape prescribes, NaN where the matrix has none.
  mutating func matrix(_ reader: any MatrixReader, rows: Int, columns: Int) -> [Float] {
    var out: [Float] = []
    out.reserveCapacity(SamplePlan.runs * SamplePlan.runLength)
    for run in SamplePlan.matrix(rows: rows, columns: columns) {
      if run.row < reader.rows, run.column + run.count <= reader.columns {
        reader.read(row: run.row, column: run.column, count: run.count, into: &out, using: &buffer)
      } else {
        out.append(contentsOf: repeatElement(.nan, count: run.count))
      }
    }
    return out
  }

  private mutating func vector(_ reader: any MatrixReader) -> [Float] {
    var out: [Float] = []
    for run in SamplePlan.vector(count: reader.columns) {
      reader.read(row: 0, column: run.start, count: run.count, into: &out, using: &buffer)
    }
    return out
  }

  /// Norms of rows of the embedding.
  mutating func addNorms(to sketch: inout Sketch) {
    guard sketch.embedding == nil, let tensor = model.tensors[.embedding], !tensor.isVector else { return }
    let reader = tensor.reader
    let width = min(reader.columns, SamplePlan.normColumns) / 32 * 32
    guard width > 0 else { return }
    var norms: [Float] = []
    for row in SamplePlan.norms(rows: reader.rows) {
      var out: [Float] = []
      reader.read(row: row, column: 0, count: width, into: &out, using: &buffer)
      norms.append(Float(out.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()))
    }
    sketch.embedding = (reader.rows, norms)
  }

  /// Squares of the matrices of two layers: the middle one first, up to ``blockLimit``.
  mutating func addBlocks(to sketch: inout Sketch) {
    for key in Self.blockKeys(of: sketch) {
      if let block = block(key) { sketch.blocks[key] = block }
    }
  }

  /// Side of a square, and how many there are at most.
  static let blockSide = 96
  static let blockLimit = 12

  static func blockKeys(of sketch: Sketch) -> [TensorKey] {
    var layers = [sketch.layers / 2]
    if sketch.layers / 4 != layers[0] { layers.append(sketch.layers / 4) }
    let keys = sketch.keys.filter { key in
      guard layers.contains(key.layer), key.part == "weight", let entry = sketch.entries[key] else { return false }
      return !entry.isVector && entry.type.mantissa != nil && min(entry.rows, entry.columns) >= 32
    }
    let first = keys.filter { $0.layer == layers[0] }
    return Array((first + keys.filter { $0.layer != layers[0] }).prefix(blockLimit))
  }

  /// The square in the middle of the rows, from the first column on.
  mutating func block(_ key: TensorKey) -> Sketch.Block? {
    guard let tensor = model.tensors[key], !tensor.isVector else { return nil }
    let reader = tensor.reader
    let rows = min(Self.blockSide, reader.rows)
    let columns = min(Self.blockSide, reader.columns) / 32 * 32
    guard rows >= 32, columns >= 32 else { return nil }
    var out: [Float] = []
    out.reserveCapacity(rows * columns)
    let first = (reader.rows - rows) / 2
    for row in 0..<rows { reader.read(row: first + row, column: 0, count: columns, into: &out, using: &buffer) }
    guard out.count == rows * columns else { return nil }
    return Sketch.Block(rows: rows, columns: columns, values: out)
  }
}
