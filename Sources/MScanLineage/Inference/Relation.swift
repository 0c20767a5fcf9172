/// The matrices of a model's layers as unit vectors, by role.
struct LayerVectors: Sendable {
  struct Role: Sendable {
    var rows: Int
    var columns: Int
    /// Values of one matrix.
    var count: Int
    /// By layer; empty where a layer has no such matrix.
    var vectors: [[SIMD8<Float>]]
  }

  var layers: Int
  var roles: [String: Role] = [:]

  init(_ sketch: Sketch) {
    layers = sketch.layers
    for key in sketch.keys where key.layer >= 0 && key.part == "weight" {
      guard let (entry, values) = sketch.sample(key), !entry.isVector else { continue }
      var role =
        roles[key.role]
        ?? Role(
          rows: entry.rows, columns: entry.columns, count: values.count,
          vectors: [[SIMD8<Float>]](repeating: [], count: sketch.layers))
      guard role.rows == entry.rows, role.columns == entry.columns, values.count == role.count,
        role.vectors.indices.contains(key.layer)
      else { continue }
      role.vectors[key.layer] = Self.unit(values)
      roles[key.role] = role
    }
  }

  /// Of length 1; what is no number counts as 0.
  private static func unit(_ values: ArraySlice<Float>) -> [SIMD8<Float>] {
    var sum = 0.0
    for value in values where value.isFinite { sum += Double(value) * Double(value) }
    guard sum > 0, sum.isFinite else { return [] }
    let scale = Float(1 / sum.squareRoot())
    var out: [SIMD8<Float>] = []
    out.reserveCapacity((values.count + 7) / 8)
    var lane = 0
    var part = SIMD8<Float>()
    for value in values {
      part[lane] = value.isFinite ? value * scale : 0
      lane += 1
      if lane == 8 {
        out.append(part)
        part = SIMD8<Float>()
        lane = 0
      }
    }
    if lane > 0 { out.append(part) }
    return out
  }

  static func dot(_ a: [SIMD8<Float>], _ b: [SIMD8<Float>]) -> Float {
    var sum = SIMD8<Float>()
    for index in 0..<min(a.count, b.count) { sum += a[index] * b[index] }
    return sum.sum()
  }
}

/// Which layers of a base the layers of a suspect are.
struct Relation: Sendable {
  /// A layer is the same at or over this mean cosine. Layers of independent models lie within a few hundredths of 0.
  static let bound = 0.25

  var isRelated: Bool
  /// Mean over layers of the best cosine.
  var score: Double
  /// For each layer its layer in the base, -1 without one.
  var map: [Int]
  var roleCount: Int

  var missing: Int { map.count { $0 < 0 } }

  /// Nil when the two have no matrix of one role and shape.
  init?(_ suspect: LayerVectors, _ base: LayerVectors) {
    let shared = suspect.roles.keys.sorted().filter { name in
      guard let a = suspect.roles[name], let b = base.roles[name] else { return false }
      return a.rows == b.rows && a.columns == b.columns && a.count == b.count
    }
    guard !shared.isEmpty, suspect.layers > 0, base.layers > 0 else { return nil }
    roleCount = shared.count
    let values = shared.reduce(0) { $0 + (suspect.roles[$1]?.count ?? 0) }
    // With few matrices in common, six sigma of chance.
    let bound = max(Self.bound, 6 / Double(max(values, 1)).squareRoot())
    var map: [Int] = []
    var total = 0.0
    let sides = shared.compactMap { name in
      suspect.roles[name].flatMap { a in base.roles[name].map { (a.vectors, $0.vectors) } }
    }
    for i in 0..<suspect.layers {
      var best = (layer: -1, cosine: -Double.infinity)
      for j in 0..<base.layers {
        var sum: Float = 0
        for (a, b) in sides { sum += LayerVectors.dot(a[i], b[j]) }
        let cosine = Double(sum) / Double(shared.count)
        if cosine > best.cosine { best = (j, cosine) }
      }
      total += best.cosine
      map.append(best.cosine >= bound ? best.layer : -1)
    }
    self.map = map
    score = total / Double(suspect.layers)
    let needed = suspect.layers > 1 ? max(2, Int((0.3 * Double(suspect.layers)).rounded(.up))) : 1
    isRelated = map.count { $0 >= 0 } >= min(needed, suspect.layers)
  }
}
