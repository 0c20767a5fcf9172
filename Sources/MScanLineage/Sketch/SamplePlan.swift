/// Where values are taken, as a function of a tensor's shape alone: the same places in every file of one model.
///
/// A matrix gives eight runs of 32 neighbouring columns, their rows and columns spread by two irrational steps. Runs
/// of 32 start at multiples of 32, so that each lies in one block of every quantised type.
enum SamplePlan {
  static let runs = 8
  static let runLength = 32
  /// A vector gives four runs of 16.
  static let vectorRuns = 4
  static let vectorRunLength = 16
  /// Rows of the embedding whose norms are taken.
  static let normRows = 32
  /// Values of a row that its norm is taken over; wider rows are cut.
  static let normColumns = 16_384

  private static let rowStep = 0.6180339887498949
  private static let columnStep = 0.7548776662466927

  private static func fraction(_ number: Int, _ step: Double) -> Double {
    let product = Double(number + 1) * step
    return product - product.rounded(.down)
  }

  /// Row, first column and length of each run of a matrix.
  static func matrix(rows: Int, columns: Int) -> [(row: Int, column: Int, count: Int)] {
    guard rows > 0, columns > 0 else { return [] }
    let length = min(runLength, columns)
    let slots = max(columns / length, 1)
    return (0..<runs).map { run in
      let row = min(rows - 1, Int(Double(rows) * fraction(run, rowStep)))
      let column = min(slots - 1, Int(Double(slots) * fraction(run, columnStep))) * length
      return (row, column, length)
    }
  }

  /// First element and length of each run of a vector; all of a short one.
  static func vector(count: Int) -> [(start: Int, count: Int)] {
    guard count > vectorRuns * vectorRunLength else { return count > 0 ? [(0, count)] : [] }
    let room = count - vectorRunLength
    return (0..<vectorRuns).map { ((room / (vectorRuns - 1)) * $0, vectorRunLength) }
  }

  /// Rows of an embedding of so many.
  static func norms(rows: Int) -> [Int] {
    (0..<normRows).map { min(max(0, rows - 1), Int(Double(rows) * fraction($0, rowStep))) }
  }
}
