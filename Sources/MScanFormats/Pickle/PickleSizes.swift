import MScanBytes

/// How long the texts, bytes and lists are that calls make: a few harmless calls double something until no memory holds it.
extension PickleMachine {
  /// Elements of a result that nobody needs; 2^30.
  private static let tooMany = 1_073_741_824.0

  /// How the length of a result follows from the arguments.
  private enum Growth {
    case range, copy, count, array, sum, product, format
    /// An array by its shape, the first argument; a square one; the type's own maker, with the shape second.
    case shaped, square, shapedSecond
    case repeated, fraction
  }

  /// One look-up a call: most calls of a pickle are of something else.
  private static let growths: [String: Growth] = {
    let rows: [(Growth, [String])] = [
      (.range, ["builtins.range"]),
      (.count, ["builtins.bytes", "builtins.bytearray"]),
      (
        .copy,
        [
          "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "builtins.sorted",
          "collections.deque", "collections.Counter", "builtins.dict", "builtins.zip", "builtins.enumerate",
          "builtins.reversed", "itertools.tee", "numpy.array", "numpy.asarray", "builtins.str", "builtins.repr",
          "builtins.sum", "builtins.iter", "builtins.max", "builtins.min", "itertools.chain",
        ]
      ),
      (.array, ["array.array"]),
      (
        .sum,
        [
          "operator.add", "_operator.add", "operator.iadd", "_operator.iadd", "operator.concat", "_operator.concat",
          "operator.iconcat", "_operator.iconcat",
        ]
      ),
      (.product, ["operator.mul", "_operator.mul", "operator.imul", "_operator.imul"]),
      (.format, ["operator.mod", "_operator.mod", "operator.imod", "_operator.imod"]),
      (
        .shaped,
        [
          "numpy.ones", "numpy.zeros", "numpy.empty", "numpy.full", "numpy.arange", "numpy.ndarray",
          "numpy.core.multiarray.zeros", "numpy.core.multiarray.empty", "numpy._core.multiarray.zeros",
          "numpy._core.multiarray.empty", "torch.zeros", "torch.ones", "torch.empty", "torch.full", "torch.arange",
          "torch.rand", "torch.randn", "numpy.memmap", "numpy.chararray",
        ]
      ),
      (.square, ["numpy.identity", "numpy.eye", "numpy.tri", "torch.eye"]),
      (.shapedSecond, ["numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"]),
      (.repeated, ["numpy.repeat", "numpy.tile", "numpy.resize", "numpy.broadcast_to"]),
      (.fraction, ["fractions.Fraction"]),
    ]
    var table: [String: Growth] = [:]
    for (growth, names) in rows { for name in names { table[name] = growth } }
    return table
  }()

  /// Estimates the length of a call's result and states one that no memory holds.
  mutating func noteSize(of result: PickleValue, path: String, _ arguments: PickleValue) {
    guard result.tag == .object, let growth = Self.growths[path] else { return }
    let size = size(growth, argumentItems(arguments))
    guard size > 0 else { return }
    if sizes.count < 1 << 16 { sizes[result.index] = size }
    guard size >= Self.tooMany, growth != .range, !recorder.isAnomalyFull else { return }
    recorder.note(
      "pickle.memory-bomb", at: opcodeStart, end: stream.position, opcode: opcode, field: path,
      detail: "\(path) makes something of more than 2^30 elements")
  }

  private func size(_ growth: Growth, _ items: [PickleValue]) -> Double {
    switch growth {
    case .range: return items.compactMap(\.intValue).map { Double($0) }.max() ?? 0
    case .count: return items.first.map { Double($0.intValue ?? 0) + length(of: $0) } ?? 0
    case .copy: return items.map { length(of: $0) }.max() ?? 0
    case .array: return items.dropFirst().first.map { length(of: $0) } ?? 0
    case .sum: return items.prefix(2).reduce(0) { $0 + length(of: $1) }
    case .product:
      let times = items.prefix(2).compactMap(\.intValue).map { Double(max(0, $0)) }
      guard times.count == 1 else { return 0 }
      return items.prefix(2).reduce(0) { $0 + length(of: $1) } * times[0]
    case .format:
      guard let format = items.first, format.isText else { return 0 }
      let numbers = text(of: format, limit: 4096).split { !("0"..."9").contains($0) }
      return numbers.compactMap { Double($0) }.max() ?? 0
    case .shaped: return elements(ofShape: items.first)
    case .square: return elements(ofShape: items.first) * elements(ofShape: items.first)
    case .shapedSecond: return elements(ofShape: items.dropFirst().first)
    case .repeated:
      let times = items.dropFirst().first.map { elements(ofShape: $0) } ?? 0
      return max(1, items.first.map { length(of: $0) } ?? 1) * times
    case .fraction:
      guard let number = items.first, number.isText else { return 0 }
      let parts = text(of: number, limit: 256).lowercased().split(separator: "e", maxSplits: 1)
      return parts.count == 2 ? Double(parts[1]).map { abs($0) * 4 } ?? 0 : 0
    }
  }

  /// Product of a shape's sides.
  private func elements(ofShape shape: PickleValue?) -> Double {
    guard let shape else { return 0 }
    let sides = shape.intValue.map { [$0] } ?? argumentItems(shape).prefix(64).map { $0.intValue ?? 1 }
    return sides.isEmpty ? 0 : sides.reduce(1) { $0 * Double(max(0, $1)) }
  }

  private func length(of value: PickleValue) -> Double {
    switch value.tag {
    case .text, .bytes: Double(value.spanCount)
    case .longText, .longBytes: Double(PickleValue.spanLengthLimit)
    case .list, .set, .dict, .byteArray: Double(heap.count(value))
    case .tuple, .plainTuple, .frozenSet: Double(heap.tupleCount(value))
    case .object: sizes[value.index] ?? 0
    default: 0
    }
  }
}
