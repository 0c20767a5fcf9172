/// What a registry keeps of a base for the first look: 64 sign bits of each matrix of the layers.
struct Signs: Sendable {
  /// A role with one shape, and where its matrices stand in ``words``: `words[layer * columns.count + column]`.
  struct Column: Sendable, Hashable {
    var role: String
    var rows: Int
    var columns: Int
  }

  /// Words of one record. Count; 560: eighty layers of seven matrices, 4.4 KB.
  static let wordLimit = 560

  var layers: Int
  var columns: [Column]
  /// Zero where a layer has no such matrix or its values say nothing.
  var words: [UInt64]

  init(layers: Int, columns: [Column], words: [UInt64]) {
    self.layers = layers
    self.columns = columns
    self.words = words
  }

  init(_ sketch: Sketch) {
    var counts: [Column: Int] = [:]
    for (key, entry) in sketch.entries
    where key.layer >= 0 && key.part == "weight" && !entry.isVector && !entry.range.isEmpty {
      counts[Column(role: key.role, rows: entry.rows, columns: entry.columns), default: 0] += 1
    }
    let room = max(1, Self.wordLimit / max(1, sketch.layers))
    columns = counts.sorted { a, b in
      a.value != b.value
        ? a.value > b.value : (a.key.role, a.key.rows, a.key.columns) < (b.key.role, b.key.rows, b.key.columns)
    }
    .prefix(room).map(\.key)
    layers = min(sketch.layers, Self.wordLimit)
    words = []
    words.reserveCapacity(layers * columns.count)
    for layer in 0..<layers {
      for column in columns {
        let key = TensorKey(layer: layer, role: column.role, part: "weight")
        guard let (entry, values) = sketch.sample(key), entry.rows == column.rows, entry.columns == column.columns
        else {
          words.append(0)
          continue
        }
        words.append(Self.word(values))
      }
    }
  }

  /// 64 signs of evenly spaced values; 0 when most of them are zero or no numbers.
  static func word(_ values: ArraySlice<Float>) -> UInt64 {
    guard values.count >= 64 else { return 0 }
    var word: UInt64 = 0
    var known = 0
    for bit in 0..<64 {
      // The first sixteen bits, which are looked at first, come from all over the matrix too.
      let place = (bit % 16) * 4 + bit / 16
      let value = values[values.startIndex + place * values.count / 64]
      if value.isFinite, value != 0 { known += 1 }
      if value < 0 { word |= 1 << UInt64(bit) }
    }
    return known >= 8 ? word : 0
  }

  /// Cosine between two layers as their signs tell it, over the roles they share; nil without any.
  ///
  /// - Parameter bits: how many bits of each word are looked at.
  struct Pairing {
    /// Columns of either side that have one role and shape.
    let pairs: [(Int, Int)]
    let mask: UInt64
    let bits: Int

    init(_ a: Signs, _ b: Signs, bits: Int) {
      self.bits = bits
      mask = bits >= 64 ? ~0 : (1 << UInt64(bits)) - 1
      var places: [Column: Int] = [:]
      for (index, column) in b.columns.enumerated() { places[column] = index }
      pairs = a.columns.enumerated().compactMap { index, column in places[column].map { (index, $0) } }
    }

    func similarity(_ a: Signs, _ i: Int, _ b: Signs, _ j: Int) -> Double {
      var sum = 0.0
      for (left, right) in pairs {
        let (atA, atB) = (i * a.columns.count + left, j * b.columns.count + right)
        guard atA < a.words.count, atB < b.words.count else { continue }
        let (x, y) = (a.words[atA], b.words[atB])
        if x == 0 || y == 0 { continue }
        sum += 1 - 2 * Double(((x ^ y) & mask).nonzeroBitCount) / Double(bits)
      }
      return SignMath.cosine(agreement: sum / Double(max(1, pairs.count)))
    }
  }

  /// How much `self`, a suspect, resembles a base: the mean over layers of its best match, and the share of layers
  /// whose match is better than chance.
  func resemblance(to base: Signs, bits: Int) -> (score: Double, matched: Double)? {
    let pairing = Pairing(self, base, bits: bits)
    guard !pairing.pairs.isEmpty, layers > 0, base.layers > 0 else { return nil }
    // Six sigma of one layer's cosine under no relation, and somewhat more for the best of many.
    let sigma = 1.5708 / Double(bits * pairing.pairs.count).squareRoot()
    let floor = max(0.12, sigma * (base.layers > 8 ? 4.0 : 3.5))
    var total = 0.0
    var matched = 0
    for layer in 0..<layers {
      var best = layers == base.layers ? pairing.similarity(self, layer, base, layer) : -1
      if best < floor {
        for other in 0..<base.layers { best = max(best, pairing.similarity(self, layer, base, other)) }
      }
      total += best
      if best >= floor { matched += 1 }
    }
    return (total / Double(layers), Double(matched) / Double(layers))
  }

  /// Mean cosine with the layer of the same number: finds a faint second parent, whose single layers pass no bound.
  func diagonal(with base: Signs, bits: Int) -> (mean: Double, sigma: Double)? {
    let pairing = Pairing(self, base, bits: bits)
    guard layers == base.layers, layers > 0, pairing.pairs.count >= 3 else { return nil }
    let sum = (0..<layers).reduce(0.0) { $0 + pairing.similarity(self, $1, base, $1) }
    return (sum / Double(layers), 1.5708 / Double(bits * pairing.pairs.count * layers).squareRoot())
  }
}
