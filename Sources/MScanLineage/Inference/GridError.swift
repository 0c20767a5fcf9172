/// The error that a quantisation's own grid explains.
enum GridError {
  /// Relative RMS rounding error as the distance of the points on the grid tells it; nil when no run shows three points.
  ///
  /// - Parameters:
  ///   - values: decoded, runs in the order they were sampled.
  ///   - reference: of the base.
  static func predicted(_ values: [Float], _ reference: [Float], _ type: StoredType) -> Double? {
    let run = type.run
    var sum = 0.0
    var count = 0
    var start = 0
    while start + run <= values.count {
      let points = Set(values[start..<(start + run)]).sorted().map { Double($0) }
      start += run
      guard points.count >= 3, let first = points.first, let last = points.last else { continue }
      let gaps = zip(points.dropFirst(), points).map { $0 - $1 }.filter { $0 > 1e-5 * (last - first) }
      guard let smallest = gaps.min() else { continue }
      if type.hasCodebook {
        sum += meanSquareSpacing(points) / 12 * Double(run)
      } else {
        sum += smallest * smallest / 12 * Double(run)
      }
      count += run
    }
    guard count > 0 else { return nil }
    let squares = reference.reduce(0.0) { $0 + Double($1) * Double($1) }
    let scale = (squares / Double(max(1, reference.count))).squareRoot()
    return (sum / Double(count)).squareRoot() / (scale + 1e-30)
  }

  /// Mean square of the distance to the neighbours: half of the way from one to the next but one.
  private static func meanSquareSpacing(_ points: [Double]) -> Double {
    var sum = 0.0
    for index in points.indices {
      let below = points[max(0, index - 1)]
      let above = points[min(points.count - 1, index + 1)]
      let steps = index == 0 || index == points.count - 1 ? 1.0 : 2.0
      let spacing = (above - below) / steps
      sum += spacing * spacing
    }
    return sum / Double(points.count)
  }
}

/// The rank of what was added to a matrix.
enum RankTest {
  enum Outcome: Sendable, Hashable {
    case unchanged
    /// The change is less than three times the rounding noise.
    case undecidable
    case lowRank(Int)
    case dense
  }

  static func of(_ block: Sketch.Block, _ type: StoredType, base: Sketch.Block, _ baseType: StoredType) -> Outcome? {
    guard block.rows == base.rows, block.columns == base.columns, block.values.count == base.values.count else {
      return nil
    }
    let bits = min(type.mantissa ?? 24, baseType.mantissa ?? 24)
    var rows: [[Double]] = []
    var noise = 0.0
    for row in 0..<block.rows {
      var line: [Double] = []
      for place in (row * block.columns)..<((row + 1) * block.columns) {
        let (x, y) = (Double(block.values[place]), Double(base.values[place]))
        guard x.isFinite, y.isFinite else { return nil }
        line.append(x - y)
        let unit = Rounding.unit(of: x, bits: bits)
        noise += unit * unit / 12
      }
      rows.append(line)
    }
    guard rows.contains(where: { $0.contains { $0 != 0 } }) else { return .unchanged }
    let total = rows.reduce(0.0) { $0 + LeastSquares.dot($1, $1) }
    if total < 3 * noise { return .undecidable }
    let values = SingularValues.of(rows)
    let (height, width) = (Double(block.rows), Double(block.columns))
    // Largest singular value of pure noise, and a tenth more.
    let edge = 1.1 * (noise / (height * width)).squareRoot() * (height.squareRoot() + width.squareRoot())
    let rank = values.count { $0 > edge }
    let rest = values.dropFirst(rank).reduce(0.0) { $0 + $1 * $1 }
    let isLow = rank > 0 && 2 * rank <= min(block.rows, block.columns) && rest <= 1.35 * noise + 1e-4 * total
    return isLow ? .lowRank(rank) : .dense
  }
}
