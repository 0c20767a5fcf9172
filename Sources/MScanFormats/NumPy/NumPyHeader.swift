import MScanBytes

/// What a `.npy` header says: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
struct NumPyHeader {
  /// The type as written; of more than a name, the types of its parts in square brackets.
  private(set) var descr = ""
  /// Some element is a Python object, at whatever depth: NumPy unpickles the data.
  private(set) var hasObjects = false
  private(set) var shape: [Int] = []
  /// A key stands twice; Python takes the last.
  private(set) var hasDuplicateKeys = false
  /// Bytes of one element; nil when some part of the type is not known.
  private(set) var itemSize: Int?

  private static let textLimit = 256

  /// - Throws: what ``NumPyLiteral`` throws, and `malformed` where NumPy refuses the literal.
  init(_ bytes: [UInt8], base: Int, nesting: Int) throws(ParseFailure) {
    let literal = try NumPyLiteral(bytes, base: base, nesting: nesting)
    guard case .dictionary(let items) = literal[literal.root] else {
      throw ParseFailure(.malformed, "header", at: base)
    }
    var values: [String: Int] = [:]
    for at in stride(from: 0, to: items.count &- 1, by: 2) {
      guard case .text(let key) = literal[items[at]] else { throw ParseFailure(.malformed, "header", at: base) }
      if values.updateValue(items[at &+ 1], forKey: key) != nil { hasDuplicateKeys = true }
    }
    guard values.count == 3, let type = values["descr"], let sides = values["shape"],
      values["fortran_order"] != nil, case .tuple(let extents) = literal[sides]
    else { throw ParseFailure(.malformed, "header", at: base) }
    for extent in extents {
      guard case .number(let side) = literal[extent], let side, side >= 0 else {
        throw ParseFailure(.malformed, "shape", at: base)
      }
      shape.append(side)
    }
    measure(type, literal)
    if case .text = literal[type] { descr = String(descr.dropFirst(2)) } else { descr = "[\(descr.dropFirst(2))]" }
    if hasObjects, !descr.contains("O") { descr += " (O)" }
  }

  /// Bytes of the whole array; nil when unknown or past 63 bits.
  var size: Int? { itemSize.flatMap { Self.product($0, shape) } }

  private static func product(_ first: Int, _ factors: [Int]) -> Int? {
    var total = first
    for factor in factors {
      let (product, over) = total.multipliedReportingOverflow(by: factor)
      guard !over else { return nil }
      total = product
    }
    return total
  }

  // MARK: Types

  /// Adds up the parts of a type: a name, `(type, shape)`, or a list of `(name, type)` and `(name, type, shape)`.
  private mutating func measure(_ type: Int, _ literal: NumPyLiteral) {
    var pending: [(type: Int, times: Int)] = [(type, 1)]
    var total: Int? = 0
    while let (type, times) = pending.popLast() {
      switch literal[type] {
      case .text(let name):
        if Self.isObject(name) { hasObjects = true }
        if descr.utf8.count < Self.textLimit { descr += ", " + name.prefix(Self.textLimit) }
        total = Self.sum(total, Self.width(name).flatMap { Self.product($0, [times]) })
      case .tuple(let parts) where parts.count == 2:
        let repeats = Self.repeats(parts[1], literal)
        if repeats == nil { pending.append((parts[1], 1)) }
        add(parts[0], Self.product(times, repeats ?? []), repeats != nil, &pending, &total)
      case .list(let fields):
        for field in fields.reversed() {
          guard case .tuple(let parts) = literal[field], parts.count == 2 || parts.count == 3 else {
            total = nil
            pending.append((field, 1))
            continue
          }
          let repeats = parts.count == 3 ? Self.repeats(parts[2], literal) : []
          add(parts[1], Self.product(times, repeats ?? []), repeats != nil, &pending, &total)
        }
      case .tuple(let parts), .dictionary(let parts):
        // No form that NumPy writes: look for objects in all of it.
        total = nil
        pending.append(contentsOf: parts.reversed().map { ($0, 1) })
      case .number, .word: total = nil
      }
    }
    itemSize = total
  }

  private func add(
    _ type: Int, _ times: Int?, _ isKnown: Bool, _ pending: inout [(type: Int, times: Int)], _ total: inout Int?
  ) {
    if times == nil || !isKnown { total = nil }
    pending.append((type, times ?? 1))
  }

  private static func sum(_ a: Int?, _ b: Int?) -> Int? {
    guard let a, let b else { return nil }
    let (sum, over) = a.addingReportingOverflow(b)
    return over ? nil : sum
  }

  /// Extents of a sub-array: a number or a tuple of them.
  private static func repeats(_ index: Int, _ literal: NumPyLiteral) -> [Int]? {
    switch literal[index] {
    case .number(let count): return count.flatMap { $0 >= 0 ? [$0] : nil }
    case .tuple(let parts):
      var counts: [Int] = []
      for part in parts {
        guard case .number(let count) = literal[part], let count, count >= 0 else { return nil }
        counts.append(count)
      }
      return counts
    default: return nil
    }
  }

  /// `|O`, `O8`, `object`, and longer forms that NumPy parses (`i4,O`, `(2,)O`). No other type has a capital O.
  private static func isObject(_ name: String) -> Bool { name.contains("O") || name.contains("object") }

  /// Bytes of a type as `dtype.str` writes it: `<f8`, `|S16`, `<U4`, `|b1`, `|V32`, `<M8[ns]`; nil for any other.
  private static func width(_ text: String) -> Int? {
    var bare = text[...]
    if let first = bare.first, "<>|=".contains(first) { bare.removeFirst() }
    guard let code = bare.popFirst(), "biufcSaUVMm".contains(code) else { return nil }
    let digits = bare.prefix { "0123456789".contains($0) }
    let rest = bare.dropFirst(digits.count)
    guard let size = Int(digits), rest.isEmpty || (code == "M" || code == "m") && rest.first == "[" else { return nil }
    return product(size, [code == "U" ? 4 : 1])
  }
}
