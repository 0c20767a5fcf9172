import MScanBytes

/// How long the texts, bytes and lists are that calls make: a few harmless calls double something until no memory holds it.
extension PickleMachine {
  /// Elements of a result that nobody needs; 2^30.
  private static let tooMany = 1_073_741_824.0

  private static let sums: Set<String> = [
    "operator.add", "_operator.add", "operator.iadd", "_operator.iadd", "operator.concat", "_operator.concat",
    "operator.iconcat", "_operator.iconcat",
  ]
  private static let products: Set<String> = [
    "operator.mul", "_operator.mul", "operator.imul", "_operator.imul",
  ]
  private static let formats: Set<String> = ["operator.mod", "_operator.mod", "operator.imod", "_operator.imod"]
  private static let copies: Set<String> = [
    "builtins.bytes", "builtins.bytearray", "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset",
    "builtins.sorted", "collections.deque", "collections.Counter", "builtins.dict", "builtins.zip",
    "builtins.enumerate", "builtins.reversed", "itertools.tee", "array.array", "numpy.array", "numpy.asarray",
    "builtins.str", "builtins.repr", "builtins.sum", "builtins.iter", "builtins.max", "builtins.min", "itertools.chain",
  ]
  /// Arrays by their shape, the first argument.
  private static let shaped: Set<String> = [
    "numpy.ones", "numpy.zeros", "numpy.empty", "numpy.full", "numpy.identity", "numpy.arange", "numpy.eye",
    "numpy.tri",
    "numpy.ndarray", "numpy.core.multiarray.zeros", "numpy.core.multiarray.empty", "numpy._core.multiarray.zeros",
    "numpy._core.multiarray.empty", "torch.zeros", "torch.ones", "torch.empty", "torch.full", "torch.arange",
    "torch.eye", "torch.rand", "torch.randn", "numpy.memmap", "numpy.chararray",
  ]
  private static let squares: Set<String> = ["numpy.identity", "numpy.eye", "numpy.tri", "torch.eye"]
  private static let repeats: Set<String> = ["numpy.repeat", "numpy.tile", "numpy.resize", "numpy.broadcast_to"]

  /// Estimates the length of a call's result and states one that no memory holds.
  mutating func noteSize(of result: PickleValue, path: String, _ arguments: PickleValue) {
    guard result.tag == .object, let last = path.utf8.last, last != UInt8(ascii: "?") else { return }
    let size: Double
    switch path {
    case "builtins.range": size = argumentItems(arguments).compactMap(\.intValue).map { Double($0) }.max() ?? 0
    case _ where Self.shaped.contains(path): size = elements(ofShape: arguments, isSquare: Self.squares.contains(path))
    case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
      size = elements(ofShape: heap.newTuple(argumentItems(arguments).dropFirst().prefix(1)).value, isSquare: false)
    case _ where Self.repeats.contains(path):
      let items = argumentItems(arguments).prefix(2)
      let times = items.dropFirst().first.map { elements(ofShape: heap.newTuple([$0]).value, isSquare: false) } ?? 0
      size = max(1, items.first.map { length(of: $0) } ?? 1) * times
    case "fractions.Fraction", "decimal.Decimal":
      guard path.hasPrefix("f"), let first = argumentItems(arguments).first, first.isText else { return }
      let parts = text(of: first, limit: 256).lowercased().split(separator: "e", maxSplits: 1)
      size = parts.count == 2 ? Double(parts[1]).map { abs($0) * 4 } ?? 0 : 0
    case _ where Self.copies.contains(path):
      let given = argumentItems(arguments)
      // What to make of it comes first of these.
      let source = path == "array.array" ? given.dropFirst().first : given.max { length(of: $0) < length(of: $1) }
      guard let first = source else { return }
      size = path.hasPrefix("builtins.byte") ? Double(first.intValue ?? 0) + length(of: first) : length(of: first)
    case _ where Self.sums.contains(path): size = argumentItems(arguments).prefix(2).reduce(0) { $0 + length(of: $1) }
    case _ where Self.products.contains(path):
      let items = argumentItems(arguments).prefix(2)
      let times = items.compactMap(\.intValue).map { Double(max(0, $0)) }
      guard times.count == 1 else { return }
      size = items.reduce(0) { $0 + length(of: $1) } * times[0]
    case _ where Self.formats.contains(path):
      guard let format = argumentItems(arguments).first, format.isText else { return }
      let numbers = text(of: format, limit: 4096).split { !("0"..."9").contains($0) }
      size = numbers.compactMap { Double($0) }.max() ?? 0
    default: return
    }
    guard size > 0 else { return }
    if sizes.count < 1 << 16 { sizes[result.index] = size }
    guard size >= Self.tooMany, path != "builtins.range", !recorder.isAnomalyFull else { return }
    recorder.note(
      "pickle.memory-bomb", at: opcodeStart, end: stream.position, opcode: opcode, field: path,
      detail: "\(path) makes something of more than 2^30 elements")
  }

  /// Product of a shape's sides.
  private mutating func elements(ofShape arguments: PickleValue, isSquare: Bool) -> Double {
    guard let first = argumentItems(arguments).first else { return 0 }
    let sides = first.intValue.map { [$0] } ?? argumentItems(first).prefix(64).map { $0.intValue ?? 1 }
    let count = sides.reduce(1) { $0 * Double(max(0, $1)) }
    return isSquare ? count * count : count
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
