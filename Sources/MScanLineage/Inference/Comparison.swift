/// One tensor of a suspect beside the tensor of a base that it would come from.
struct Comparison: Sendable {
  var key: TensorKey
  var isMatrix: Bool
  /// Share of values that are equal after rounding to the coarser type.
  var equal: Double
  /// The same among the suspect's values that are not zero; nil with fewer than nine.
  var equalNonzero: Double?
  /// Length of the difference over length of the base's values.
  var distance: Double
  var cosine: Double?
  /// Share of values that became zero.
  var zeroed: Double
  var type: StoredType
  var baseType: StoredType
  /// The values where both are finite.
  var values: [Float]
  var baseValues: [Float]

  /// Nil for tensors of different shapes, or with fewer than eight values to compare.
  init?(
    _ key: TensorKey, _ suspect: (entry: Sketch.Entry, values: ArraySlice<Float>),
    _ base: (entry: Sketch.Entry, values: ArraySlice<Float>)
  ) {
    guard suspect.entry.hasShape(of: base.entry), suspect.values.count == base.values.count else { return nil }
    var x: [Float] = []
    var y: [Float] = []
    x.reserveCapacity(suspect.values.count)
    y.reserveCapacity(suspect.values.count)
    for (a, b) in zip(suspect.values, base.values) where a.isFinite && b.isFinite {
      x.append(a)
      y.append(b)
    }
    guard x.count >= 8 else { return nil }
    let common = Rounding.coarser(suspect.entry.type, base.entry.type)
    var (same, zeros, nonzero, sameNonzero) = (0, 0, 0, 0)
    var (difference, length) = (0.0, 0.0)
    for (a, b) in zip(x, y) {
      let isSame = Rounding.isEqual(a, b, in: common)
      if isSame { same += 1 }
      if a == 0, b != 0 { zeros += 1 }
      if a != 0 {
        nonzero += 1
        if isSame { sameNonzero += 1 }
      }
      let step = Double(a) - Double(b)
      difference += step * step
      length += Double(b) * Double(b)
    }
    let count = Double(x.count)
    self.key = key
    isMatrix = !suspect.entry.isVector
    equal = Double(same) / count
    equalNonzero = nonzero > 8 ? Double(sameNonzero) / Double(nonzero) : nil
    let norm = length.squareRoot()
    distance = difference.squareRoot() / (norm > 0 ? norm : 1e-9)
    cosine = Statistics.cosine(x[...], y[...])
    zeroed = Double(zeros) / count
    type = suspect.entry.type
    baseType = base.entry.type
    values = x
    baseValues = y
  }
}

/// All tensors of a suspect beside those of one base.
struct Comparisons: Sendable {
  let name: String
  let relation: Relation
  /// Layer of the base for each layer.
  var map: [Int]
  var all: [Comparison]
  /// Matrices of the layers.
  var layerMatrices: [Comparison] = []
  var vectors: [Comparison] = []
  /// Median distance of each layer's matrices; nil where none is compared.
  var layerDistance: [Double?] = []

  init(_ name: String, _ relation: Relation, map: [Int], suspect: Sketch, base: Sketch) {
    self.name = name
    self.relation = relation
    self.map = map
    all = []
    for key in suspect.keys {
      guard let other = Self.counterpart(of: key, map), let mine = suspect.sample(key), let its = base.sample(other),
        let comparison = Comparison(key, mine, its)
      else { continue }
      all.append(comparison)
    }
    layerMatrices = all.filter { $0.isMatrix && $0.key.layer >= 0 }
    vectors = all.filter { !$0.isMatrix }
    var byLayer = [[Double]](repeating: [], count: suspect.layers)
    for item in layerMatrices where byLayer.indices.contains(item.key.layer) {
      byLayer[item.key.layer].append(item.distance)
    }
    layerDistance = byLayer.map { Statistics.median($0) }
  }

  /// The key in the base; nil where the map has no layer.
  static func counterpart(of key: TensorKey, _ map: [Int]) -> TensorKey? {
    guard key.layer >= 0 else { return key }
    guard map.indices.contains(key.layer), map[key.layer] >= 0 else { return nil }
    return key.inLayer(map[key.layer])
  }

  var matrices: [Comparison] { all.filter(\.isMatrix) }
  var isWhole: Bool { !map.contains(-1) }
  var isIdentity: Bool { map == Array(0..<map.count) }

  var vectorsEqual: Double? { Statistics.mean(vectors.map(\.equal)) }
  var matricesEqual: Double { Statistics.mean(layerMatrices.map(\.equal)) ?? 0 }
  var distance: Double { Statistics.median(layerMatrices.map(\.distance)) ?? .infinity }

  /// Smaller is nearer: fewest layers without a match, then values that are equal, then vectors that are, then distance.
  var order: [Double] {
    let miss = (Double(relation.missing) / Double(max(1, map.count)) * 100).rounded() / 100
    let nonzero = Statistics.median(layerMatrices.compactMap(\.equalNonzero)) ?? 0
    let squares = matrices.filter { ($0.cosine ?? 0) > Relation.bound }.map {
      min($0.distance, 2) * min($0.distance, 2)
    }
    return [
      miss, nonzero > 0.97 ? -1 : 0, (vectorsEqual ?? 0) > 0.98 ? -1 : 0, Statistics.mean(squares) ?? 9,
    ]
  }
}
