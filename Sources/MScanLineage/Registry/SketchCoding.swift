/// Sketches as bytes, in the types the model is stored in: rounding them would hide what a derivative changed.
///
/// Little-endian: layers (4), container, number of tensors (4); of each its layer plus one (4), role, part, rows (4),
/// columns (4), 1 for a vector (1), type (1), number of values (2) and the values; then rows of the embedding (4),
/// number of norms (1), norms (F32); then the number of squares (1) and of each layer plus one (4), role, part, rows
/// (1), columns (1), type (1), values. Values of grids are F32.
enum SketchCoding {
  static func encode(_ sketch: Sketch) -> [UInt8] {
    var writer = RecordWriter()
    writer.number(sketch.layers, width: 4)
    writer.text(sketch.container)
    let keys = sketch.keys
    writer.number(keys.count, width: 4)
    for key in keys {
      guard let entry = sketch.entries[key] else { continue }
      write(key, to: &writer)
      writer.number(entry.rows, width: 4)
      writer.number(entry.columns, width: 4)
      writer.number(entry.isVector ? 1 : 0, width: 1)
      writer.number(entry.type.rawValue, width: 1)
      let values = sketch.values(of: entry).prefix(65_535)
      writer.number(values.count, width: 2)
      for value in values { write(value, entry.type, to: &writer) }
    }
    writer.number(sketch.embedding?.rows ?? 0, width: 4)
    let norms = (sketch.embedding?.norms ?? []).prefix(255)
    writer.number(norms.count, width: 1)
    for norm in norms { writer.float(norm) }
    let blocks = sketch.blocks.sorted { $0.key < $1.key }.prefix(255)
    writer.number(blocks.count, width: 1)
    for (key, block) in blocks {
      let type = sketch.entries[key]?.type ?? .float32
      write(key, to: &writer)
      writer.number(block.rows, width: 1)
      writer.number(block.columns, width: 1)
      writer.number(type.rawValue, width: 1)
      for value in block.values { write(value, type, to: &writer) }
    }
    return writer.bytes
  }

  private static func write(_ key: TensorKey, to writer: inout RecordWriter) {
    writer.number(key.layer + 1, width: 4)
    writer.text(key.role)
    writer.text(key.part)
  }

  private static func write(_ value: Float, _ type: StoredType, to writer: inout RecordWriter) {
    switch type {
    case .bfloat16: writer.number(value.bitPattern >> 16, width: 2)
    case .float16: writer.number(Float16(value).bitPattern, width: 2)
    default: writer.float(value)
    }
  }

  static func decode(_ bytes: [UInt8]) -> Sketch? {
    var reader = RecordReader(bytes)
    guard let layers = reader.number(4), layers <= 100_000, let container = reader.text(),
      let count = reader.number(4), count <= ModelWeights.tensorLimit
    else { return nil }
    var sketch = Sketch(container: container, layers: layers)
    for _ in 0..<count {
      guard let key = key(&reader), key.layer < layers, let rows = reader.number(4), let columns = reader.number(4),
        let isVector = reader.number(1), let type = type(&reader), let length = reader.number(2),
        let values = values(length, type, &reader)
      else { return nil }
      sketch.add(
        key, Sketch.Entry(rows: rows, columns: columns, isVector: isVector == 1, type: type, range: 0..<0), values)
    }
    guard let rows = reader.number(4), let normCount = reader.number(1),
      let norms = values(normCount, .float32, &reader), let blockCount = reader.number(1)
    else { return nil }
    if normCount > 0 { sketch.embedding = (rows, norms) }
    for _ in 0..<blockCount {
      guard let key = key(&reader), let rows = reader.number(1), let columns = reader.number(1),
        let type = type(&reader), let values = values(rows * columns, type, &reader)
      else { return nil }
      sketch.blocks[key] = Sketch.Block(rows: rows, columns: columns, values: values)
    }
    return sketch
  }

  private static func key(_ reader: inout RecordReader) -> TensorKey? {
    guard let layer = reader.number(4), let role = reader.text(), let part = reader.text() else { return nil }
    return TensorKey(layer: layer - 1, role: role, part: part)
  }

  private static func type(_ reader: inout RecordReader) -> StoredType? {
    reader.number(1).flatMap { UInt8(exactly: $0) }.flatMap { StoredType(rawValue: $0) }
  }

  private static func values(_ count: Int, _ type: StoredType, _ reader: inout RecordReader) -> [Float]? {
    let element: ElementType =
      switch type {
      case .bfloat16: .bfloat16
      case .float16: .float16
      default: .float32
      }
    guard let part = reader.take(count * element.width) else { return nil }
    var out: [Float] = []
    element.decode(Array(part), into: &out)
    return out
  }
}
