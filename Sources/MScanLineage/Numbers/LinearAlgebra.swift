/// Small systems, solved so that nearly dependent columns do no harm.
enum LeastSquares {
  /// Weights of `columns` that come nearest to `target`, and the squared distance left.
  ///
  /// - Parameter columns: each as long as `target`. One that depends on those before it gets the weight 0.
  static func fit(_ columns: [[Double]], to target: [Double]) -> (weights: [Double], residual: Double) {
    // Gram-Schmidt, each column cleaned twice.
    var basis: [(vector: [Double], from: [Double])] = []
    for (index, column) in columns.enumerated() {
      let length = norm(column)
      var vector = column
      var from = [Double](repeating: 0, count: columns.count)
      from[index] = 1
      for _ in 0..<2 {
        for other in basis {
          let share = dot(vector, other.vector)
          for place in vector.indices { vector[place] -= share * other.vector[place] }
          for place in from.indices { from[place] -= share * other.from[place] }
        }
      }
      let rest = norm(vector)
      guard rest > 1e-9 * length, rest > 0 else { continue }
      basis.append((vector.map { $0 / rest }, from.map { $0 / rest }))
    }
    var weights = [Double](repeating: 0, count: columns.count)
    var residual = target
    for part in basis {
      let share = dot(residual, part.vector)
      for place in residual.indices { residual[place] -= share * part.vector[place] }
      for place in weights.indices { weights[place] += share * part.from[place] }
    }
    return (weights, dot(residual, residual))
  }

  static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in 0..<min(a.count, b.count) { sum += a[index] * b[index] }
    return sum
  }

  static func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }

  /// Solves `matrix * x = right` by elimination with pivots; nil when it is singular.
  static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
    var rows = zip(matrix, right).map { $0 + [$1] }
    let count = rows.count
    for step in 0..<count {
      guard let pivot = (step..<count).max(by: { abs(rows[$0][step]) < abs(rows[$1][step]) }),
        abs(rows[pivot][step]) > 1e-300
      else { return nil }
      rows.swapAt(step, pivot)
      for other in 0..<count where other != step {
        let factor = rows[other][step] / rows[step][step]
        if factor == 0 { continue }
        for place in step...count { rows[other][place] -= factor * rows[step][place] }
      }
    }
    return (0..<count).map { rows[$0][count] / rows[$0][$0] }
  }
}

enum SingularValues {
  /// Singular values of a matrix of rows, largest first, by one-sided Jacobi rotations.
  static func of(_ rows: [[Double]]) -> [Double] {
    var vectors = rows
    let count = vectors.count
    guard count > 1 else { return vectors.map { LeastSquares.norm($0) } }
    for _ in 0..<30 {
      var isDone = true
      for i in 0..<(count - 1) {
        for j in (i + 1)..<count {
          let (a, b, c) = (
            LeastSquares.dot(vectors[i], vectors[i]), LeastSquares.dot(vectors[j], vectors[j]),
            LeastSquares.dot(vectors[i], vectors[j])
          )
          guard abs(c) > 1e-10 * (a * b).squareRoot(), abs(c) > 1e-300 else { continue }
          isDone = false
          let zeta = (b - a) / (2 * c)
          let t = (zeta >= 0 ? 1.0 : -1.0) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
          let cosine = 1 / (1 + t * t).squareRoot()
          let sine = cosine * t
          for place in vectors[i].indices {
            let (x, y) = (vectors[i][place], vectors[j][place])
            vectors[i][place] = cosine * x - sine * y
            vectors[j][place] = sine * x + cosine * y
          }
        }
      }
      if isDone { break }
    }
    return vectors.map { LeastSquares.norm($0) }.sorted(by: >)
  }
}
