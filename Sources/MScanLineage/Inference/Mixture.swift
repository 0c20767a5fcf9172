/// A model as a weighted sum of others, matrix by matrix, measured in the rounding noise of its own type.
///
/// Related fine-tunes explain each other well, but never down to rounding: only a merge leaves nothing else over.
struct Mixture: Sendable {
  var names: [String]
  /// Median over matrices of the residual, 1 for rounding alone.
  var residual: Double
  /// Median weights: a common scale first, then of each further parent's difference from the first.
  var weights: [Double]
  /// Share of matrices in which every parent takes part.
  var live: Double

  /// A merge stays under this.
  static let bound = 12.0

  /// A matrix of the suspect with the same matrix of several bases.
  private struct Columns {
    var target: [Double]
    var parents: [[Double]]
    var noise: [Double]
  }

  /// Nil with fewer than four matrices to fit.
  init?(_ names: [String], suspect: Sketch, bases: [String: Sketch], maps: [String: [Int]]) {
    var residuals: [Double] = []
    var weights: [[Double]] = []
    var live = 0
    for key in suspect.keys {
      guard let columns = Self.columns(key, names, suspect, bases, maps) else { continue }
      var basis = [columns.parents[0]]
      for parent in columns.parents.dropFirst() { basis.append(zip(parent, columns.parents[0]).map { $0 - $1 }) }
      if names.count > 1, basis.dropFirst().contains(where: { $0.allSatisfy { $0 == 0 } }) { continue }
      let scaled = basis.map { zip($0, columns.noise).map { $0 / $1 } }
      let target = zip(columns.target, columns.noise).map { $0 / $1 }
      let fit = LeastSquares.fit(scaled, to: target)
      residuals.append(fit.residual / Double(max(1, target.count - basis.count)))
      weights.append(fit.weights)
      let shares = fit.weights.dropFirst()
      if names.count > 1, shares.allSatisfy({ abs($0) > 0.03 }),
        names.count > 2 || abs(1 - shares.reduce(0, +)) > 0.03
      {
        live += 1
      }
    }
    guard residuals.count >= 4, let middle = Statistics.median(residuals) else { return nil }
    self.names = names
    residual = middle
    self.weights = names.indices.map { index in Statistics.median(weights.map { $0[index] }) ?? 0 }
    self.live = Double(live) / Double(residuals.count)
  }

  private static func columns(
    _ key: TensorKey, _ names: [String], _ suspect: Sketch, _ bases: [String: Sketch], _ maps: [String: [Int]]
  ) -> Columns? {
    guard let mine = suspect.sample(key), !mine.entry.isVector else { return nil }
    var parents: [ArraySlice<Float>] = []
    for name in names {
      guard let map = maps[name], let other = Comparisons.counterpart(of: key, map),
        let its = bases[name]?.sample(other), its.entry.hasShape(of: mine.entry), its.values.count == mine.values.count
      else { return nil }
      parents.append(its.values)
    }
    let places = (0..<mine.values.count).filter { place in
      mine.values[mine.values.startIndex + place].isFinite
        && parents.allSatisfy { $0[$0.startIndex + place].isFinite }
    }
    guard places.count >= 64 else { return nil }
    func take(_ values: ArraySlice<Float>) -> [Float] { places.map { values[values.startIndex + $0] } }
    let target = take(mine.values)
    let bits = min(24, Rounding.effectiveBits(target[...], mine.entry.type))
    return Columns(
      target: target.map { Double($0) }, parents: parents.map { take($0).map { Double($0) } },
      noise: target.map { Rounding.unit(of: Double($0), bits: bits) / 12.0.squareRoot() + 1e-12 })
  }

  /// Weights of the parents themselves, in the order of ``names``.
  var parentWeights: [Double] {
    guard let scale = weights.first else { return [] }
    let further = weights.dropFirst()
    return [scale - further.reduce(0, +)] + further
  }
}

/// Which single values are exactly one base's and no other's: what DARE, TIES and DELLA leave behind.
struct Mosaic: Sendable {
  /// For each base the share of values that are exactly its own, and the share that rounding alone would make so.
  var shares: [String: (exact: Double, expected: Double)]

  /// Nil with fewer than 256 values on which the bases differ.
  init?(_ names: [String], suspect: Sketch, bases: [String: Sketch], maps: [String: [Int]]) {
    var exact = [Int](repeating: 0, count: names.count)
    var expected = [[Double]](repeating: [], count: names.count)
    var total = 0
    for key in suspect.keys where key.layer >= 0 {
      guard let mine = suspect.sample(key), !mine.entry.isVector, !mine.entry.type.isQuantized else { continue }
      var type = mine.entry.type
      var parents: [ArraySlice<Float>] = []
      for name in names {
        guard let map = maps[name], let other = Comparisons.counterpart(of: key, map),
          let its = bases[name]?.sample(other), its.entry.hasShape(of: mine.entry),
          its.values.count == mine.values.count
        else { break }
        type = Rounding.coarser(type, its.entry.type)
        parents.append(its.values)
      }
      guard parents.count == names.count else { continue }
      Self.count(mine.values, parents, type, &exact, &expected, &total)
    }
    guard total >= 256 else { return nil }
    shares = [:]
    for (index, name) in names.enumerated() {
      shares[name] = (Double(exact[index]) / Double(total), Statistics.median(expected[index]) ?? 0)
    }
  }

  private static func count(
    _ values: ArraySlice<Float>, _ parents: [ArraySlice<Float>], _ type: StoredType, _ exact: inout [Int],
    _ expected: inout [[Double]], _ total: inout Int
  ) {
    let bits = type.mantissa ?? 24
    var used = 0
    var hits = [Int](repeating: 0, count: parents.count)
    var moves = [[Double]](repeating: [], count: parents.count)
    for place in 0..<values.count {
      let x = Rounding.round(values[values.startIndex + place], to: type)
      let unit = Rounding.unit(of: Double(x), bits: bits)
      let others = parents.map { Rounding.round($0[$0.startIndex + place], to: type) }
      guard x.isFinite, others.allSatisfy(\.isFinite) else { continue }
      let isApart = others.indices.allSatisfy { i in
        others[..<i].allSatisfy { abs(Double(others[i]) - Double($0)) > 1.5 * unit }
      }
      guard isApart else { continue }
      used += 1
      for (index, other) in others.enumerated() {
        if other == x {
          hits[index] += 1
        } else {
          moves[index].append(abs(Double(x) - Double(other)) / unit)
        }
      }
    }
    guard used >= 8 else { return }
    total += used
    for index in parents.indices {
      exact[index] += hits[index]
      if let middle = Statistics.median(moves[index]) {
        expected[index].append(Statistics.within(half: middle / 0.6745))
      }
    }
  }

  /// Bases whose differences from `root` the moved values follow.
  static func partners(
    of root: String, _ names: [String], suspect: Sketch, bases: [String: Sketch], maps: [String: [Int]]
  ) -> [String] {
    let others = names.filter { $0 != root }
    guard !others.isEmpty, let rootMap = maps[root], let rootSketch = bases[root] else { return [] }
    var gram = [[Double]](repeating: [Double](repeating: 0, count: others.count), count: others.count)
    var right = [Double](repeating: 0, count: others.count)
    var matrices = 0
    for key in suspect.keys where key.layer >= 0 {
      guard let mine = suspect.sample(key), !mine.entry.isVector,
        let rootKey = Comparisons.counterpart(of: key, rootMap), let y = rootSketch.sample(rootKey),
        y.values.count == mine.values.count
      else { continue }
      let parents = others.compactMap { name -> ArraySlice<Float>? in
        guard let map = maps[name], let other = Comparisons.counterpart(of: key, map),
          let its = bases[name]?.sample(other), its.values.count == mine.values.count
        else { return nil }
        return its.values
      }
      guard parents.count == others.count else { continue }
      var moved: [Double] = []
      var follows = [[Double]](repeating: [], count: others.count)
      for place in 0..<mine.values.count {
        let (a, b) = (mine.values[mine.values.startIndex + place], y.values[y.values.startIndex + place])
        guard a != b, a.isFinite, b.isFinite else { continue }
        moved.append(Double(a) - Double(b))
        for (index, parent) in parents.enumerated() {
          follows[index].append(Double(parent[parent.startIndex + place]) - Double(b))
        }
      }
      guard moved.count >= 8 else { continue }
      let scale = 1 / (LeastSquares.dot(moved, moved) + 1e-30)
      for i in others.indices {
        right[i] += LeastSquares.dot(follows[i], moved) * scale
        for j in others.indices { gram[i][j] += LeastSquares.dot(follows[i], follows[j]) * scale }
      }
      matrices += 1
    }
    guard matrices >= 3 else { return [] }
    let trace = others.indices.reduce(0.0) { $0 + gram[$1][$1] }
    for index in others.indices { gram[index][index] += 1e-9 * trace }
    guard let weights = LeastSquares.solve(gram, right) else { return [] }
    let explained = LeastSquares.dot(weights, right) / Double(matrices)
    guard explained > 0.15 else { return [] }
    return zip(others, weights).filter { $0.1 > 0.12 }.map(\.0)
  }
}
