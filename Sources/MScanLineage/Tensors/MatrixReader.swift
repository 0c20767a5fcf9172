import MScanBytes

/// Reads runs of a matrix of [out, in] layout by position, wherever and however the file keeps it.
///
/// What cannot be read, because the file ends or lies about its shape, comes as NaN, which no comparison counts.
protocol MatrixReader: Sendable {
  var rows: Int { get }
  var columns: Int { get }
  var type: StoredType { get }
  /// Appends `count` values of one row, from `column` on.
  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer)
}

/// Scratch of one thread, and what it cost.
struct ReadBuffer {
  var bytes: [UInt8] = []
  private(set) var bytesRead = 0

  mutating func fill(_ source: ByteSource, at offset: Int, count: Int) -> Bool {
    let got = source.read(at: offset, count: count, into: &bytes)
    bytesRead &+= got
    return got == count
  }
}

extension [Float] {
  fileprivate mutating func appendUnknown(_ count: Int) {
    append(contentsOf: repeatElement(.nan, count: Swift.max(0, count)))
  }
}

/// Sums and products of positions that a file gives, nil where they pass 63 bits.
enum Checked {
  static func multiply(_ a: Int, _ b: Int) -> Int? {
    let (product, over) = a.multipliedReportingOverflow(by: b)
    return over ? nil : product
  }

  static func add(_ a: Int?, _ b: Int?) -> Int? {
    guard let a, let b else { return nil }
    let (sum, over) = a.addingReportingOverflow(b)
    return over ? nil : sum
  }
}

/// Elements stored one by one, rows and columns any number of elements apart.
struct DenseMatrix: MatrixReader {
  let source: ByteSource
  /// First element.
  let offset: Int
  let element: ElementType
  let rows: Int
  let columns: Int
  /// Elements from one row to the next, and from one column to the next.
  let rowStep: Int
  let columnStep: Int

  var type: StoredType { element.stored }

  init(source: ByteSource, offset: Int, element: ElementType, rows: Int, columns: Int) {
    self.init(
      source: source, offset: offset, element: element, rows: rows, columns: columns, rowStep: columns, columnStep: 1)
  }

  init(
    source: ByteSource, offset: Int, element: ElementType, rows: Int, columns: Int, rowStep: Int, columnStep: Int
  ) {
    self.source = source
    self.offset = offset
    self.element = element
    self.rows = rows
    self.columns = columns
    self.rowStep = rowStep
    self.columnStep = columnStep
  }

  var transposed: DenseMatrix {
    DenseMatrix(
      source: source, offset: offset, element: element, rows: columns, columns: rows, rowStep: columnStep,
      columnStep: rowStep)
  }

  private func position(_ row: Int, _ column: Int) -> Int? {
    guard let elements = Checked.add(Checked.multiply(row, rowStep), Checked.multiply(column, columnStep)),
      let bytes = Checked.multiply(elements, element.width)
    else { return nil }
    return Checked.add(offset, bytes)
  }

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    if columnStep == 1 {
      guard let start = position(row, column), let bytes = Checked.multiply(count, element.width),
        buffer.fill(source, at: start, count: bytes)
      else { return out.appendUnknown(count) }
      return element.decode(buffer.bytes, into: &out)
    }
    for step in 0..<count {
      guard let start = position(row, column &+ step), buffer.fill(source, at: start, count: element.width) else {
        out.append(.nan)
        continue
      }
      out.append(element.value(buffer.bytes, at: 0))
    }
  }

  /// One element, for scales and the like.
  func value(_ row: Int, _ column: Int, using buffer: inout ReadBuffer) -> Float {
    var out: [Float] = []
    read(row: row, column: column, count: 1, into: &out, using: &buffer)
    return out.first ?? .nan
  }

  /// One element of four bytes as its bits, for packed integers.
  func word(_ row: Int, _ column: Int, using buffer: inout ReadBuffer) -> UInt32? {
    guard element.width == 4, row >= 0, row < rows, column >= 0, column < columns,
      let start = position(row, column), buffer.fill(source, at: start, count: 4)
    else { return nil }
    return buffer.bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// Inputs and outputs exchanged, one element at a time.
struct TurnedMatrix: MatrixReader {
  let matrix: any MatrixReader

  var rows: Int { matrix.columns }
  var columns: Int { matrix.rows }
  var type: StoredType { matrix.type }

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    for step in 0..<count { matrix.read(row: column &+ step, column: row, count: 1, into: &out, using: &buffer) }
  }
}

/// Another order of the rows: GGUF's `llama` interleaves the halves of each head of queries and keys.
struct HeadRows: MatrixReader {
  let matrix: any MatrixReader
  /// Rows of one head; even.
  let headRows: Int

  var rows: Int { matrix.rows }
  var columns: Int { matrix.columns }
  var type: StoredType { matrix.type }

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    let (head, within) = row.quotientAndRemainder(dividingBy: headRows)
    let half = headRows / 2
    let stored = head &* headRows &+ 2 &* (within % half) &+ within / half
    matrix.read(row: stored, column: column, count: count, into: &out, using: &buffer)
  }
}

/// Blocks of ggml's quantised types.
struct BlockMatrix: MatrixReader {
  let source: ByteSource
  let offset: Int
  let block: GGMLBlock
  let rows: Int
  let columns: Int

  var type: StoredType { block.type }

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    guard let first = Checked.add(Checked.multiply(row, columns), column) else { return out.appendUnknown(count) }
    var at = first
    var left = count
    while left > 0 {
      let (number, skipped) = at.quotientAndRemainder(dividingBy: block.elements)
      let taken = min(left, block.elements &- skipped)
      if let start = Checked.add(offset, Checked.multiply(number, block.bytes)),
        buffer.fill(source, at: start, count: block.bytes)
      {
        out.append(contentsOf: block.decode(buffer.bytes)[skipped..<(skipped &+ taken)])
      } else {
        out.appendUnknown(taken)
      }
      at &+= taken
      left &-= taken
    }
  }
}

/// GPTQ: integers packed along the inputs, a scale and a zero for each group of them. AWQ: packed along the outputs.
struct GroupedMatrix: MatrixReader {
  let words: DenseMatrix
  let zeros: DenseMatrix
  let scales: DenseMatrix
  /// Group of each input, where a checkpoint orders them by activation.
  let groups: DenseMatrix?
  let bits: Int
  let isAWQ: Bool
  let rows: Int
  let columns: Int

  /// AWQ's order of eight outputs in one word.
  private static let awqOrder = [0, 4, 1, 5, 2, 6, 3, 7]

  var type: StoredType {
    if isAWQ { return .awq4 }
    switch bits {
    case 2: return .gptq2
    case 3: return .gptq3
    case 8: return .gptq8
    default: return .gptq4
    }
  }

  init?(words: DenseMatrix, zeros: DenseMatrix, scales: DenseMatrix, groups: DenseMatrix?) {
    let outputs = scales.columns
    guard outputs > 0, scales.rows > 0, words.element.width == 4, zeros.element.width == 4 else { return nil }
    let packed = zeros.columns.multipliedReportingOverflow(by: 32)
    guard !packed.overflow, packed.partialValue % outputs == 0 else { return nil }
    bits = packed.partialValue / outputs
    guard [2, 4, 8].contains(bits) else { return nil }
    let perWord = 32 / bits
    isAWQ = words.columns == zeros.columns && words.columns != outputs
    guard let inputs = isAWQ ? words.rows : Checked.multiply(words.rows, perWord), inputs >= scales.rows,
      isAWQ ? bits == 4 : words.columns == outputs
    else { return nil }
    self.words = words
    self.zeros = zeros
    self.scales = scales
    self.groups = groups
    rows = outputs
    columns = inputs
  }

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    let perWord = 32 / bits
    let mask = UInt32((1 << bits) - 1)
    let groupSize = max(1, columns / scales.rows)
    let lane = isAWQ ? Self.awqOrder[row % 8] : row % perWord
    var word: (index: Int, value: UInt32?) = (-1, nil)
    var group = (index: -1, zero: Float.nan, scale: Float.nan)
    for step in column..<(column &+ count) {
      let wanted = isAWQ ? step : step / perWord
      if word.index != wanted {
        word = (
          wanted, isAWQ ? words.word(step, row / 8, using: &buffer) : words.word(wanted, row, using: &buffer)
        )
      }
      var number = step / groupSize
      if let groups { number = Int(exactly: groups.value(0, step, using: &buffer)) ?? number }
      if group.index != number {
        let zero = zeros.word(number, row / perWord, using: &buffer).map { $0 >> UInt32(bits * lane) & mask }
        group = (
          number, zero.map { Float($0) + (isAWQ ? 0 : 1) } ?? .nan,
          number >= 0 && number < scales.rows ? scales.value(number, row, using: &buffer) : .nan
        )
      }
      guard let packed = word.value else {
        out.append(.nan)
        continue
      }
      let shift = isAWQ ? bits * lane : bits * (step % perWord)
      out.append((Float(packed >> UInt32(shift) & mask) - group.zero) * group.scale)
    }
  }
}

/// bitsandbytes' four-bit types: codes of a table of sixteen, a scale for each run of them.
struct CodeMatrix: MatrixReader {
  let codes: ByteSource
  let codesOffset: Int
  let table: [Float]
  let scales: DenseMatrix
  /// Where the scales are bytes themselves: their table, their scales, how many share one, and what is added.
  let nested: (table: [Float], scales: DenseMatrix, block: Int, offset: Float)?
  let block: Int
  let rows: Int
  let columns: Int
  let type: StoredType

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    guard let first = Checked.add(Checked.multiply(row, columns), column), count > 0,
      let start = Checked.add(codesOffset, first / 2),
      buffer.fill(codes, at: start, count: (first % 2 &+ count &+ 1) / 2)
    else { return out.appendUnknown(count) }
    let packed = buffer.bytes
    var scale = (index: -1, value: Float.nan)
    for step in 0..<count {
      let at = first % 2 &+ step
      guard packed.indices.contains(at / 2) else {
        out.append(.nan)
        continue
      }
      let code = at % 2 == 0 ? packed[at / 2] >> 4 : packed[at / 2] & 15
      let number = (first &+ step) / block
      if scale.index != number { scale = (number, self.scale(number, using: &buffer)) }
      out.append(table.indices.contains(Int(code)) ? table[Int(code)] * scale.value : .nan)
    }
  }

  private func scale(_ number: Int, using buffer: inout ReadBuffer) -> Float {
    let raw = scales.value(0, number, using: &buffer)
    guard let nested else { return raw }
    guard let code = Int(exactly: raw), nested.table.indices.contains(code) else { return .nan }
    return nested.table[code] * nested.scales.value(0, number / nested.block, using: &buffer) + nested.offset
  }
}

/// A matrix of small numbers with a scale for all, for each row, each column or each square of them.
struct ScaledMatrix: MatrixReader {
  enum Spread: Sendable {
    case whole, row, column
    case square(Int)
  }

  let matrix: DenseMatrix
  let scales: DenseMatrix
  let zeros: DenseMatrix?
  let spread: Spread
  let factor: Float
  let type: StoredType

  var rows: Int { matrix.rows }
  var columns: Int { matrix.columns }

  /// The same with inputs and outputs exchanged.
  var transposed: ScaledMatrix {
    let turned: Spread =
      switch spread {
      case .row: .column
      case .column: .row
      case let other: other
      }
    return ScaledMatrix(
      matrix: matrix.transposed, scales: scales, zeros: zeros, spread: turned, factor: factor, type: type)
  }

  private func place(_ row: Int, _ column: Int) -> (Int, Int) {
    switch spread {
    case .whole: (0, 0)
    case .row: (0, row)
    case .column: (0, column)
    case .square(let side): (row / side, column / side)
    }
  }

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    let start = out.count
    matrix.read(row: row, column: column, count: count, into: &out, using: &buffer)
    var known = (row: -1, column: -1, scale: Float.nan, zero: Float(0))
    for step in 0..<count where start &+ step < out.count {
      let (r, c) = place(row, column &+ step)
      if known.row != r || known.column != c {
        known = (
          r, c, scales.value(r, c, using: &buffer), zeros.map { $0.value(r, c, using: &buffer) } ?? 0
        )
      }
      out[start &+ step] = (out[start &+ step] - known.zero) * known.scale * factor
    }
  }
}

/// MLX: unsigned integers packed along the inputs in words of 32 bits; a scale and an offset for each group.
struct AffineMatrix: MatrixReader {
  let words: DenseMatrix
  let scales: DenseMatrix
  let offsets: DenseMatrix
  let bits: Int
  let rows: Int
  let columns: Int

  var type: StoredType { bits == 8 ? .mlx8 : .mlx4 }

  init?(words: DenseMatrix, scales: DenseMatrix, offsets: DenseMatrix) {
    guard words.element.width == 4, scales.rows == words.rows, offsets.rows == words.rows, scales.columns > 0,
      offsets.columns == scales.columns
    else { return nil }
    // Groups of 32, 64 or 128 inputs: the width that gives one of them is the one.
    for bits in [4, 8] {
      guard let inputs = Checked.multiply(words.columns, 32 / bits), inputs % scales.columns == 0,
        [32, 64, 128].contains(inputs / scales.columns)
      else { continue }
      self.words = words
      self.scales = scales
      self.offsets = offsets
      self.bits = bits
      rows = words.rows
      columns = inputs
      return
    }
    return nil
  }

  func read(row: Int, column: Int, count: Int, into out: inout [Float], using buffer: inout ReadBuffer) {
    let perWord = 32 / bits
    let group = columns / scales.columns
    var word: (index: Int, value: UInt32?) = (-1, nil)
    var known = (index: -1, scale: Float.nan, offset: Float.nan)
    for step in column..<(column &+ count) {
      if word.index != step / perWord { word = (step / perWord, words.word(row, step / perWord, using: &buffer)) }
      if known.index != step / group {
        known = (
          step / group, scales.value(row, step / group, using: &buffer),
          offsets.value(row, step / group, using: &buffer)
        )
      }
      let code = word.value.map { Float($0 >> UInt32(bits * (step % perWord)) & UInt32((1 << bits) - 1)) } ?? .nan
      out.append(code * known.scale + known.offset)
    }
  }
}
