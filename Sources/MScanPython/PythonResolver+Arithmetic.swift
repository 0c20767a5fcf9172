/// Constants: texts, bytes, whole numbers and lists of them.
extension PythonResolver {
  /// Nil for what is longer than a computed value may be, or when all of them together are.
  mutating func bounded(_ value: PythonValue) -> PythonValue? {
    let size = value.size
    room -= size
    return size <= Self.sizeBound && room > 0 ? value : nil
  }

  mutating func sum(_ a: PythonValue, _ b: PythonValue) -> PythonValue? {
    switch (a, b) {
    case (.text(let a), .text(let b)): bounded(.text(a + b))
    case (.bytes(let a), .bytes(let b)): bounded(.bytes(a + b))
    case (.list(let a), .list(let b)): bounded(.list(a + b))
    case (.integer(let a), .integer(let b)):
      a.addingReportingOverflow(b).overflow ? nil : .integer(a &+ b)
    default: nil
    }
  }

  mutating func joined(_ parts: [NodeID]) -> [PythonValue] {
    var total: PythonValue?
    for part in parts {
      guard let next = value(of: part) else { return [] }
      if let before = total {
        guard let longer = sum(before, next) else { return [] }
        total = longer
      } else {
        total = next
      }
    }
    return total.map { [$0] } ?? []
  }

  /// An f-string whose fields are all constant.
  mutating func formatted(_ id: NodeID) -> [PythonValue] {
    var text = ""
    for part in children(id) {
      if tree[part].kind == .text {
        text += PythonLiteral.text(of: tree[part], in: tree.bytes)
        continue
      }
      guard tree[part].data == 0, children(part).count == 1, let field = value(of: tree[part].first),
        let shown = Self.shown(field)
      else { return [] }
      text += shown
      guard text.utf8.count <= Self.sizeBound else { return [] }
    }
    return [.text(text)]
  }

  /// `str(value)`.
  static func shown(_ value: PythonValue) -> String? {
    switch value {
    case .text(let text): text
    case .integer(let number): String(number)
    default: nil
    }
  }

  mutating func negated(_ id: NodeID) -> [PythonValue] {
    var signs: [UInt32] = []
    var at = id
    while tree[at].kind == .unary {
      signs.append(tree[at].data)
      at = tree[at].first
    }
    guard var number = value(of: at)?.asInteger else { return [] }
    for sign in signs.reversed() {
      switch TokenKind(rawValue: UInt8(truncatingIfNeeded: sign)) {
      case .minus: number = 0 &- number
      case .tilde: number = ~number
      default: continue
      }
    }
    return [.integer(number)]
  }

  /// Chains of one operator lean to the left and may be long, so that the left side is followed without descending.
  mutating func binary(_ id: NodeID) -> [PythonValue] {
    var operations: [(NodeID, UInt32)] = []
    var at = id
    while tree[at].kind == .binary {
      let sides = children(at)
      guard sides.count == 2 else { return [] }
      operations.append((sides[1], tree[at].data))
      at = sides[0]
    }
    // `{} | os.__dict__` is looked into as the table is.
    if operations.allSatisfy({ $0.1 == UInt32(TokenKind.pipe.rawValue) }) {
      let tables = ([at] + operations.map(\.0)).prefix(8).flatMap { values(of: $0).filter { isTable($0) } }
      if !tables.isEmpty { return tables }
    }
    guard var total = value(of: at) else { return [] }
    // `Path.home() / "x"` is of the home folder as well.
    if total.isPath {
      return operations.allSatisfy { $0.1 == UInt32(TokenKind.slash.rawValue) } ? [total] : []
    }
    for (node, sign) in operations.reversed() {
      guard let right = value(of: node), let sign = TokenKind(rawValue: UInt8(truncatingIfNeeded: sign)),
        let next = operation(sign, total, right), let small = bounded(next)
      else { return [] }
      total = small
    }
    return [total]
  }

  private mutating func operation(_ sign: TokenKind, _ a: PythonValue, _ b: PythonValue) -> PythonValue? {
    switch (sign, a, b) {
    case (.plus, _, _): return sum(a, b)
    case (.percent, .text(let format), _): return percent(format, b)
    case (.star, .text(let text), .integer(let times)), (.star, .integer(let times), .text(let text)):
      guard times <= 0 || text.utf8.count <= Self.sizeBound / times else { return nil }
      return .text(Self.repeated(text, max(0, times)))
    case (_, .integer(let a), .integer(let b)): return arithmetic(sign, a, b)
    default: return nil
    }
  }

  /// `text * times`, by bytes: as a text it would be put together one piece at a time.
  private static func repeated(_ text: String, _ times: Int) -> String {
    if times == 1 || text.isEmpty { return text }
    let piece = Array(text.utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(piece.count * times)
    for _ in 0..<times { bytes += piece }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func arithmetic(_ sign: TokenKind, _ a: Int, _ b: Int) -> PythonValue? {
    switch sign {
    case .minus: return a.subtractingReportingOverflow(b).overflow ? nil : .integer(a &- b)
    case .star: return a.multipliedReportingOverflow(by: b).overflow ? nil : .integer(a &* b)
    case .caret: return .integer(a ^ b)
    case .pipe: return .integer(a | b)
    case .ampersand: return .integer(a & b)
    case .leftShift: return (0..<32).contains(b) && abs(a) < 1 << 30 ? .integer(a << b) : nil
    case .rightShift: return (0..<64).contains(b) ? .integer(a >> b) : nil
    case .percent, .doubleSlash:
      guard b > 0, a != .min else { return nil }
      let remainder = (a % b + b) % b
      return .integer(sign == .percent ? remainder : (a - remainder) / b)
    default: return nil
    }
  }

  /// `"%s.%s" % (a, b)`, for `%s`, `%d` and `%c`.
  private func percent(_ format: String, _ value: PythonValue) -> PythonValue? {
    var rest: [PythonValue]
    if case .list(let values) = value { rest = values } else { rest = [value] }
    rest.reverse()
    var text = ""
    var isSign = false
    for scalar in format.unicodeScalars {
      guard isSign else {
        if scalar == "%" { isSign = true } else { text.unicodeScalars.append(scalar) }
        continue
      }
      isSign = false
      if scalar == "%" {
        text += "%"
        continue
      }
      guard let next = rest.popLast() else { return nil }
      if scalar == "c", let code = next.asInteger, let character = Unicode.Scalar(UInt32(clamping: code)) {
        text.unicodeScalars.append(character)
      } else if scalar == "s" || scalar == "d" || scalar == "c", let shown = Self.shown(next) {
        text += shown
      } else {
        return nil
      }
    }
    return rest.isEmpty && !isSign ? .text(text) : nil
  }

  // MARK: - Slices

  mutating func slice(_ object: PythonValue, _ index: NodeID) -> PythonValue? {
    guard let elements = object.elements else { return nil }
    charge(elements.count >> 4)
    var parts = children(index)[...]
    let given = tree[index].data
    func part(_ bit: UInt32, _ resolver: inout PythonResolver) -> Int?? {
      guard given & bit != 0, let node = parts.popFirst() else { return .some(nil) }
      guard let value = resolver.value(of: node) else { return nil }
      if value == .none { return .some(nil) }
      return value.asInteger.map { .some($0) } ?? nil
    }
    guard let lower = part(1, &self), let upper = part(2, &self), let stride = part(4, &self) else { return nil }
    let step = stride ?? 1
    guard step != 0, step > -Self.sizeBound, step < Self.sizeBound else { return nil }
    func position(_ value: Int?, _ missing: Int) -> Int {
      guard let value else { return missing }
      let at = value < 0 ? max(value, -elements.count - 1) + elements.count : value
      return step > 0 ? min(max(at, 0), elements.count) : min(max(at, -1), elements.count - 1)
    }
    let first = position(lower, step > 0 ? 0 : elements.count - 1)
    let end = position(upper, step > 0 ? elements.count : -1)
    let picked = steps(first, end, step).map { elements[$0] }
    switch object {
    case .text: return .text(picked.compactMap(\.asText).joined())
    case .bytes: return .bytes(picked.compactMap(\.asInteger).map { UInt8(truncatingIfNeeded: $0) })
    default: return .list(picked)
    }
  }

  private func steps(_ first: Int, _ end: Int, _ step: Int) -> [Int] {
    Array(Swift.stride(from: first, to: end, by: step))
  }

  // MARK: - Comprehensions

  /// One loop over constants: `chr(c ^ 7) for c in (…)`.
  mutating func comprehension(_ id: NodeID) -> [PythonValue] {
    let parts = children(id)
    guard let element = parts.first else { return [] }
    let clause = parts.count == 2 && tree[parts[1]].kind == .comprehensionFor ? children(parts[1]) : []
    guard clause.count == 2, tree[clause[0]].kind == .name, let source = value(of: clause[1])?.elements,
      source.count <= 1 << 16
    else {
      // Which of them, or how many, is not known; what can be called is told all the same.
      let functions = values(of: element).filter { $0.asPath != nil }
      return functions.isEmpty ? [] : [.list(functions)]
    }
    return each(source, as: tree[clause[0]].data, giving: element).map { [.list($0)] } ?? []
  }

  /// What an expression comes to for each value of a name; nil when it is not known for one of them.
  mutating func each(_ values: [PythonValue], as name: UInt32, giving element: NodeID) -> [PythonValue]? {
    let before = environment[name]
    defer { environment[name] = before }
    var results: [PythonValue] = []
    for item in values {
      environment[name] = item
      guard let result = value(of: element) else { return nil }
      results.append(result)
    }
    return results
  }
}
