extension JinjaRun {
  mutating func value(of index: Int) throws(Stop) -> RenderValue {
    try spend()
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.depthLimit else { throw macros > 6 ? .tooLong : .unknown }
    let node = tree[index]
    switch node.kind {
    case .name: return lookUp(node.text)
    case .string: return .text(node.text)
    case .number: return try number(node.text)
    case .constant: return node.text == "none" ? .none : .bool(node.text == "true")
    case .list, .tuple:
      var items: [RenderValue] = []
      for child in node.children { items.append(try value(of: child)) }
      return .list(items)
    case .dict:
      var pairs: [(key: String, value: RenderValue)] = []
      for place in stride(from: 0, to: node.children.count - 1, by: 2) {
        pairs.append((try value(of: node.children[place]).written(), try value(of: node.children[place + 1])))
      }
      return .dict(pairs)
    case .body: return .text(try captured(index))
    case .unary: return try unary(node)
    case .conditional:
      guard node.children.count >= 2 else { throw .unknown }
      if try value(of: node.children[1]).isTrue { return try value(of: node.children[0]) }
      return node.children.count > 2 && tree[node.children[2]].kind != .missing
        ? try value(of: node.children[2]) : .undefined
    case .chain: return try chain(node)
    case .postfix: return try postfix(node)
    default: throw .unknown
    }
  }

  private func number(_ text: String) throws(Stop) -> RenderValue {
    let plain = text.filter { $0 != "_" }
    if let value = Int(plain) { return .integer(value) }
    guard let value = Double(plain) else { throw .unknown }
    return .double(value)
  }

  private mutating func unary(_ node: JinjaNode) throws(Stop) -> RenderValue {
    guard let child = node.children.first else { throw .unknown }
    let operand = try value(of: child)
    switch node.text {
    case "not": return .bool(!operand.isTrue)
    case "-":
      if let value = operand.integer, value != Int.min { return .integer(-value) }
      if let value = operand.number { return .double(-value) }
      throw .unknown
    case "+": return operand
    default: throw .unknown
    }
  }

  // MARK: Operators

  private mutating func chain(_ node: JinjaNode) throws(Stop) -> RenderValue {
    guard let first = node.children.first, node.operators.count == node.children.count - 1 else { throw .unknown }
    if node.operators.allSatisfy({ $0 == "and" || $0 == "or" }) { return try logic(node) }
    var left = try value(of: first)
    if node.operators.allSatisfy({ Self.comparisons.contains($0) }) {
      for (symbol, child) in zip(node.operators, node.children.dropFirst()) {
        let right = try value(of: child)
        guard try compare(left, symbol, right) else { return .bool(false) }
        left = right
      }
      return .bool(true)
    }
    for (symbol, child) in zip(node.operators, node.children.dropFirst()) {
      left = try combine(left, symbol, try value(of: child))
    }
    return left
  }

  private mutating func logic(_ node: JinjaNode) throws(Stop) -> RenderValue {
    var left = try value(of: node.children[0])
    for (symbol, child) in zip(node.operators, node.children.dropFirst()) {
      if symbol == "and" ? !left.isTrue : left.isTrue { continue }
      left = try value(of: child)
    }
    return left
  }

  private static let comparisons: Set<String> = ["==", "!=", "<", ">", "<=", ">=", "in", "not in"]

  private mutating func compare(_ a: RenderValue, _ symbol: String, _ b: RenderValue) throws(Stop) -> Bool {
    switch symbol {
    case "==": return RenderValue.areEqual(a, b)
    case "!=": return !RenderValue.areEqual(a, b)
    case "in": return try holds(b, a)
    case "not in": return try !holds(b, a)
    default:
      guard let order = RenderValue.order(a, b) else { throw .unknown }
      switch symbol {
      case "<": return order < 0
      case ">": return order > 0
      case "<=": return order <= 0
      default: return order >= 0
      }
    }
  }

  mutating func holds(_ container: RenderValue, _ item: RenderValue) throws(Stop) -> Bool {
    switch container {
    case .text(let text):
      guard let part = item.text else { throw .unknown }
      try spend(1 + text.utf8.count / 32)
      return part.isEmpty || text.range(ofPart: part) != nil
    case .list(let items): return items.contains { RenderValue.areEqual($0, item) }
    case .dict(let pairs): return pairs.contains { $0.key == item.written() }
    case .undefined: return false
    case .namespace(let box): return box.fields[item.written()] != nil
    default: throw .unknown
    }
  }

  private mutating func combine(_ a: RenderValue, _ symbol: String, _ b: RenderValue) throws(Stop) -> RenderValue {
    if symbol == "~" { return try text(a.written() + b.written()) }
    switch (a, symbol, b) {
    case (.text(let x), "+", .text(let y)): return try text(x + y)
    case (.list(let x), "+", .list(let y)):
      try spend(x.count + y.count)
      return .list(x + y)
    case (.text(let x), "*", _):
      guard let count = b.integer, count >= 0, !count.multipliedReportingOverflow(by: max(1, x.utf8.count)).overflow,
        count * max(1, x.utf8.count) <= Self.textLimit
      else { throw .tooLarge }
      return try text(String(repeating: x, count: count))
    case (.list(let x), "*", _):
      guard let count = b.integer, count >= 0, !count.multipliedReportingOverflow(by: max(1, x.count)).overflow,
        count * max(1, x.count) <= Self.textLimit
      else { throw .tooLarge }
      try spend(count * x.count)
      return .list([[RenderValue]](repeating: x, count: count).flatMap { $0 })
    case (.text(let x), "%", _): return try formatted(x, [b])
    case (.text, "+", _), (_, "+", .text): throw .unknown
    default: break
    }
    if let x = a.integer, let y = b.integer { return try integers(x, symbol, y) }
    guard let x = a.number, let y = b.number else { throw .unknown }
    switch symbol {
    case "+": return .double(x + y)
    case "-": return .double(x - y)
    case "*": return .double(x * y)
    case "/": return y == 0 ? .undefined : .double(x / y)
    default: throw .unknown
    }
  }

  private func integers(_ x: Int, _ symbol: String, _ y: Int) throws(Stop) -> RenderValue {
    let result: (partialValue: Int, overflow: Bool)
    switch symbol {
    case "+": result = x.addingReportingOverflow(y)
    case "-": result = x.subtractingReportingOverflow(y)
    case "*": result = x.multipliedReportingOverflow(by: y)
    case "**":
      guard y >= 0, x != 0 || y > 0 else { throw .unknown }
      // Python counts on without an end.
      guard y <= 4096 else { throw .tooLarge }
      var product = (partialValue: 1, overflow: false)
      for _ in 0..<y where !product.overflow { product = product.partialValue.multipliedReportingOverflow(by: x) }
      result = product
    case "/":
      guard y != 0 else { throw .unknown }
      return .double(Double(x) / Double(y))
    case "//", "%":
      guard y != 0, x != Int.min else { throw .unknown }
      // Python rounds down, and what is left over has the sign of the divisor.
      let left = x % y
      let isOff = left != 0 && (left < 0) != (y < 0)
      return .integer(symbol == "%" ? (isOff ? left + y : left) : (isOff ? x / y - 1 : x / y))
    default: throw .unknown
    }
    if result.overflow { throw .tooLarge }
    return .integer(result.partialValue)
  }

  func text(_ text: String) throws(Stop) -> RenderValue {
    if text.utf8.count > Self.textLimit { throw .tooLarge }
    return .text(text)
  }

  // MARK: Steps

  private mutating func postfix(_ node: JinjaNode) throws(Stop) -> RenderValue {
    guard let base = node.children.first else { throw .unknown }
    var value = try self.value(of: base)
    var place = 1
    while place < node.children.count {
      let step = tree[node.children[place]]
      let next = place + 1 < node.children.count ? tree[node.children[place + 1]] : nil
      switch step.kind {
      case .attribute:
        if let next, next.kind == .call, let result = try method(step.text, of: value, next) {
          value = result
          place += 1
        } else {
          value = member(step.text, of: value)
        }
      case .subscripted: value = try item(step, of: value)
      case .call: value = try call(value, step)
      case .filter: value = try filter(step, value)
      case .test:
        let answer = try test(step, value)
        value = .bool(step.operators.contains("not") ? !answer : answer)
      default: throw .unknown
      }
      place += 1
    }
    return value
  }

  func member(_ name: String, of value: RenderValue) -> RenderValue {
    switch value {
    case .dict(let pairs): pairs.first { $0.key == name }?.value ?? .undefined
    case .namespace(let box), .loop(let box): box.fields[name] ?? .undefined
    default: .undefined
    }
  }

  private mutating func item(_ step: JinjaNode, of value: RenderValue) throws(Stop) -> RenderValue {
    guard let child = step.children.first else { throw .unknown }
    if tree[child].kind == .slice { return try slice(tree[child], of: value) }
    let key = try self.value(of: child)
    switch value {
    case .list(let items):
      guard let index = key.integer else { return .undefined }
      let at = index < 0 ? items.count + index : index
      return items.indices.contains(at) ? items[at] : .undefined
    case .text(let text):
      guard let index = key.integer else { return .undefined }
      let scalars = Array(text.unicodeScalars)
      try spend(scalars.count / 32)
      let at = index < 0 ? scalars.count + index : index
      return scalars.indices.contains(at) ? .text(String(scalars[at])) : .undefined
    default: return member(key.written(), of: value)
    }
  }

  private mutating func slice(_ node: JinjaNode, of value: RenderValue) throws(Stop) -> RenderValue {
    var bounds: [Int?] = []
    for child in node.children {
      if tree[child].kind == .missing {
        bounds.append(nil)
      } else {
        let bound = try self.value(of: child)
        if case .none = bound {
          bounds.append(nil)
        } else {
          guard let number = bound.integer else { throw .unknown }
          bounds.append(number)
        }
      }
    }
    let step = bounds.count > 2 ? bounds[2] ?? 1 : 1
    let start = bounds.first ?? nil
    let stop = bounds.count > 1 ? bounds[1] : nil
    switch value {
    case .text(let text):
      let scalars = Array(text.unicodeScalars)
      try spend(1 + scalars.count / 16)
      var out = String.UnicodeScalarView()
      for at in try Self.places(scalars.count, start, stop, step) { out.append(scalars[at]) }
      return .text(String(out))
    case .list(let items):
      try spend(items.count)
      return .list(try Self.places(items.count, start, stop, step).map { items[$0] })
    default: throw .unknown
    }
  }

  /// The places that a slice of Python takes.
  private static func places(_ count: Int, _ start: Int?, _ stop: Int?, _ step: Int) throws(Stop) -> [Int] {
    guard step != 0, step > -count - 2, step < count + 2 || step == 1 else { throw .unknown }
    func clamp(_ value: Int, _ low: Int, _ high: Int) -> Int { min(max(value < 0 ? value + count : value, low), high) }
    if step > 0 {
      let from = start.map { clamp($0, 0, count) } ?? 0
      let to = stop.map { clamp($0, 0, count) } ?? count
      return from < to ? Array(stride(from: from, to: to, by: step)) : []
    }
    let from = start.map { clamp($0, -1, count - 1) } ?? count - 1
    let to = stop.map { clamp($0, -1, count - 1) } ?? -1
    return from > to ? Array(stride(from: from, to: to, by: step)) : []
  }

  mutating func elements(of value: RenderValue) throws(Stop) -> [RenderValue] {
    switch value {
    case .list(let items):
      try spend(items.count)
      return items
    case .dict(let pairs): return pairs.map { .text($0.key) }
    case .text(let text):
      try spend(text.utf8.count)
      return text.unicodeScalars.map { .text(String($0)) }
    case .undefined: return []
    default: throw .unknown
    }
  }

  // MARK: Calls

  /// Positional arguments and those with a name.
  mutating func arguments(_ call: JinjaNode) throws(Stop) -> (given: [RenderValue], named: [(String, RenderValue)]) {
    var given: [RenderValue] = []
    var named: [(String, RenderValue)] = []
    for child in call.children {
      let node = tree[child]
      switch node.kind {
      case .keyword:
        guard let inner = node.children.first else { throw .unknown }
        named.append((node.text, try value(of: inner)))
      case .spread: throw .unknown
      default: given.append(try value(of: child))
      }
    }
    return (given, named)
  }

  private mutating func call(_ callee: RenderValue, _ step: JinjaNode) throws(Stop) -> RenderValue {
    let (given, named) = try arguments(step)
    switch callee {
    case .macro(let index): return try call(macro: index, given, named)
    case .caller(let number): return try call(caller: number)
    case .function(let name): return try call(function: name, given, named)
    default: throw .unknown
    }
  }

  private mutating func call(
    function name: String, _ given: [RenderValue], _ named: [(String, RenderValue)]
  ) throws(Stop) -> RenderValue {
    switch name {
    case "raise_exception": throw .refused
    case "namespace":
      let box = RenderValue.Box()
      if case .dict(let pairs)? = given.first { for pair in pairs { box.fields[pair.key] = pair.value } }
      for (key, value) in named { box.fields[key] = value }
      return .namespace(box)
    case "dict": return .dict(named.map { ($0.0, $0.1) })
    case "range":
      let bounds = given.compactMap(\.integer)
      guard bounds.count == given.count, (1...3).contains(bounds.count) else { throw .unknown }
      let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
      let step = bounds.count == 3 ? bounds[2] : 1
      guard step != 0, step.magnitude <= 1 << 20 else { throw .unknown }
      let span = stop.subtractingReportingOverflow(start)
      guard !span.overflow, span.partialValue.magnitude < 100_000 else { throw .tooLong }
      let items = Array(stride(from: start, to: stop, by: step))
      try spend(items.count)
      return .list(items.map { .integer($0) })
    case "strftime_now": return .text(date ?? written(day: given.first?.text ?? ""))
    default: throw .unknown
    }
  }

  /// Days that are tried: two that have little in common, and one of each of the years to come.
  static let days = 8

  private func written(day format: String) -> String {
    var days: [[Character: String]] = [
      [
        "Y": "2024", "y": "24", "m": "03", "d": "05", "B": "March", "b": "Mar", "A": "Tuesday", "a": "Tue", "H": "09",
        "M": "15", "S": "10", "j": "065", "p": "AM", "I": "09", "e": " 5",
      ],
      [
        "Y": "2031", "y": "31", "m": "11", "d": "28", "B": "November", "b": "Nov", "A": "Friday", "a": "Fri", "H": "21",
        "M": "42", "S": "57", "j": "332", "p": "PM", "I": "09", "e": "28",
      ],
    ]
    for year in 25..<31 { days.append(days[1].merging(["Y": "20\(year)", "y": "\(year)"]) { $1 }) }
    var out = ""
    var isCode = false
    for character in format.prefix(200) {
      if isCode {
        out += days[day % days.count][character] ?? ""
        isCode = character == "-"
      } else if character == "%" {
        isCode = true
      } else {
        out.append(character)
      }
    }
    return out
  }
}

extension String {
  /// The first place of a text, byte by byte.
  func range(ofPart part: String) -> Range<String.Index>? {
    let whole = Array(utf8)
    let wanted = Array(part.utf8)
    guard let at = Self.place(of: wanted, in: whole, from: 0) else { return nil }
    let start = utf8.index(utf8.startIndex, offsetBy: at)
    return start..<utf8.index(start, offsetBy: wanted.count)
  }

  /// Parts between each place of a text.
  func parts(between separator: String) -> [String] {
    let whole = Array(utf8)
    let wanted = Array(separator.utf8)
    var parts: [String] = []
    var start = 0
    while let at = Self.place(of: wanted, in: whole, from: start) {
      parts.append(String(decoding: whole[start..<at], as: UTF8.self))
      start = at + wanted.count
    }
    return parts + [String(decoding: whole[start...], as: UTF8.self)]
  }

  private static func place(of wanted: [UInt8], in whole: [UInt8], from start: Int) -> Int? {
    guard let first = wanted.first, wanted.count <= whole.count else { return nil }
    var at = start
    while at + wanted.count <= whole.count {
      if whole[at] == first, whole[at..<(at + wanted.count)].elementsEqual(wanted) { return at }
      at += 1
    }
    return nil
  }
}
