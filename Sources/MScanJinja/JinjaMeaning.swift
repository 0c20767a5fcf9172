/// What expressions of a template come to, as far as that can be said without its inputs.
///
/// Every value that a name may have is followed, up to ``width`` for one expression. Bounded by ``Limits/jinjaSteps`` for
/// a template and by a depth, so that what is not found out in time is unknown.
struct JinjaMeaning {
  enum Value: Sendable, Hashable {
    case text(String), number(Int), flag(Bool), none
    case list([Value])
    case dict([Pair])

    struct Pair: Sendable, Hashable {
      var key: String
      var value: Value
    }

    var text: String? {
      switch self {
      case .text(let text): text
      case .number(let number): String(number)
      case .flag(let flag): flag ? "True" : "False"
      case .none: "None"
      case .list, .dict: nil
      }
    }
  }

  /// Values that an expression may have, and whether it may have others.
  struct Possible: Sendable {
    var values: [Value] = []
    var isOpen = false

    static let unknown = Possible(values: [], isOpen: true)

    var texts: [String] { values.compactMap(\.text) }
  }

  /// Values of one expression that are told apart.
  static let width = 16
  /// Characters of one text.
  static let length = 4096
  private static let depthLimit = 96

  let tree: JinjaTree
  let names: JinjaNames
  private(set) var stepsLeft: Int
  private var depth = 0
  private var open: Set<String> = []
  private var known: [Int: Possible] = [:]

  init(_ tree: JinjaTree, names: JinjaNames, steps: Int) {
    self.tree = tree
    self.names = names
    stepsLeft = steps
  }

  /// What the node may be.
  mutating func value(_ index: Int) -> Possible {
    if let found = known[index] { return found }
    guard stepsLeft > 0, depth < Self.depthLimit else { return .unknown }
    stepsLeft -= 1
    depth += 1
    let mayDepend = !open.isEmpty
    let found = evaluate(index)
    depth -= 1
    // What was found inside a circle is not all there is to it.
    if !mayDepend { known[index] = found }
    return found
  }

  private mutating func evaluate(_ index: Int) -> Possible {
    let node = tree[index]
    switch node.kind {
    case .string: return Possible(values: [.text(Self.cut(node.text))], isOpen: !node.isExact)
    case .number: return Int(node.text).map { Possible(values: [.number($0)]) } ?? Self.number(node.text)
    case .constant:
      switch node.text {
      case "true": return Possible(values: [.flag(true)])
      case "false": return Possible(values: [.flag(false)])
      default: return Possible(values: [.none])
      }
    case .data: return Possible(values: [.text(Self.cut(node.text))])
    case .comment: return Possible(values: [.text("")])
    case .name: return named(node.text)
    case .list, .tuple: return list(node)
    case .dict: return dict(node)
    case .chain: return chain(node)
    case .unary: return unary(node)
    case .conditional:
      return union([node.children.first, node.children.dropFirst(2).first].compactMap(\.self))
    case .postfix: return postfix(index, node)
    case .body, .output: return joined(node.children)
    case .branches:
      let bodies = node.children.indices.filter { !$0.isMultiple(of: 2) || $0 == node.children.count - 1 }
      var found = union(bodies.map { node.children[$0] })
      if node.children.count.isMultiple(of: 2) { found.values.append(.text("")) }
      return found
    case .set, .setBlock, .macro, .jump: return Possible(values: [.text("")])
    case .missing: return Possible(values: [.none])
    default: return .unknown
    }
  }

  static func cut(_ text: String) -> String {
    text.utf8.count <= length ? text : String(text.unicodeScalars.prefix(length))
  }

  private static func number(_ text: String) -> Possible {
    let lower = text.lowercased()
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where lower.hasPrefix(prefix) {
      return Int(lower.dropFirst(2), radix: radix).map { Possible(values: [.number($0)]) } ?? .unknown
    }
    if let value = Double(lower), let whole = Int(exactly: value.rounded()) {
      return Possible(values: [.number(whole)])
    }
    return Possible(values: [.number(.max)])
  }

  // MARK: Names

  private mutating func named(_ name: String) -> Possible {
    guard let sources = names.sources[name] else { return .unknown }
    guard open.insert(name).inserted else { return seed(sources) }
    defer { open.remove(name) }
    var found = Possible()
    for source in sources {
      let one: Possible
      switch source {
      case .node(let node): one = value(node)
      case .element(let node): one = elements(value(node), part: nil)
      case .part(let node, let place): one = elements(value(node), part: place)
      }
      merge(one, into: &found)
    }
    return found
  }

  /// What a name that is made of itself starts from.
  private func seed(_ sources: [JinjaNames.Source]) -> Possible {
    let texts = sources.compactMap { source -> Value? in
      guard case .node(let node) = source, tree[node].kind == .string else { return nil }
      return .text(Self.cut(tree[node].text))
    }
    return Possible(values: Array(texts.prefix(Self.width)), isOpen: true)
  }

  /// Adds what is not there yet, up to ``width``. Long texts cost steps.
  private mutating func merge(_ other: Possible, into found: inout Possible) {
    found.isOpen = found.isOpen || other.isOpen
    for item in other.values {
      guard found.values.count < Self.width else {
        found.isOpen = true
        return
      }
      if case .text(let text) = item { charge(text.utf8.count * (found.values.count + 1)) }
      if !found.values.contains(item) { found.values.append(item) }
    }
  }

  private mutating func charge(_ bytes: Int) { stepsLeft -= bytes / 256 }

  private func elements(_ whole: Possible, part: Int?) -> Possible {
    var found = Possible(isOpen: whole.isOpen)
    for item in whole.values {
      let items: [Value]
      switch item {
      case .list(let list): items = list
      case .dict(let pairs): items = pairs.map { .text($0.key) }
      case .text(let text): items = text.unicodeScalars.prefix(Self.width).map { .text(String($0)) }
      default: items = []
      }
      for element in items.prefix(Self.width) {
        if let part {
          guard case .list(let parts) = element, parts.indices.contains(part) else { continue }
          found.values.append(parts[part])
        } else {
          found.values.append(element)
        }
      }
    }
    return found
  }

  private mutating func union(_ nodes: [Int]) -> Possible {
    var found = Possible()
    for node in nodes { merge(value(node), into: &found) }
    return found
  }

  private static func bounded(_ possible: Possible) -> Possible {
    guard possible.values.count > width else { return possible }
    return Possible(values: Array(possible.values.prefix(width)), isOpen: true)
  }

  // MARK: Collections

  private mutating func list(_ node: JinjaNode) -> Possible {
    var items: [Value] = []
    var isOpen = false
    for child in node.children.prefix(256) {
      let one = value(child)
      isOpen = isOpen || one.isOpen || one.values.count > 1
      items += one.values
    }
    return Possible(values: [.list(items)], isOpen: isOpen)
  }

  private mutating func dict(_ node: JinjaNode) -> Possible {
    var pairs: [Value.Pair] = []
    var isOpen = false
    for place in stride(from: 0, to: min(node.children.count - 1, 512), by: 2) {
      let key = value(node.children[place])
      let item = value(node.children[place + 1])
      isOpen = isOpen || key.isOpen || item.isOpen
      if let name = key.texts.first, let value = item.values.first { pairs.append(Value.Pair(key: name, value: value)) }
    }
    return Possible(values: [.dict(pairs)], isOpen: isOpen)
  }

  // MARK: Operators

  /// All the ways to put the parts' texts one behind the other.
  private mutating func joined(_ nodes: [Int]) -> Possible {
    var found = [""]
    var isOpen = false
    for node in nodes {
      let kind = tree[node].kind
      if kind == .set || kind == .setBlock || kind == .macro || kind == .comment { continue }
      let one = value(node)
      isOpen = isOpen || one.isOpen
      let texts = one.texts
      guard !texts.isEmpty else { continue }
      var next: [String] = []
      for left in found {
        for right in texts where next.count < Self.width {
          charge(left.utf8.count + right.utf8.count)
          next.append(Self.cut(left + right))
        }
      }
      found = next
    }
    return Possible(values: found.map { .text($0) }, isOpen: isOpen)
  }

  private mutating func chain(_ node: JinjaNode) -> Possible {
    guard let first = node.operators.first else { return .unknown }
    if first == "~" { return joined(node.children) }
    if first == "and" || first == "or" { return union(node.children) }
    guard ["+", "-", "*", "/", "//", "%", "**"].contains(first) else {
      return Possible(values: [.flag(true), .flag(false)])
    }
    guard let head = node.children.first else { return .unknown }
    var found = value(head)
    for (place, operation) in node.operators.enumerated() {
      guard node.children.indices.contains(place + 1) else { break }
      let right = value(node.children[place + 1])
      var next = Possible(isOpen: found.isOpen || right.isOpen)
      for a in found.values {
        for b in right.values where next.values.count < Self.width {
          charge((a.text?.utf8.count ?? 0) + (b.text?.utf8.count ?? 0))
          if let c = Self.apply(operation, a, b) { next.values.append(c) } else { next.isOpen = true }
        }
      }
      // What is added to something unknown is still part of the whole.
      if operation == "+", next.values.isEmpty { next.values = found.values + right.values }
      found = Self.bounded(next)
    }
    return found
  }

  private static func apply(_ operation: String, _ a: Value, _ b: Value) -> Value? {
    switch (operation, a, b) {
    case ("+", .text(let x), .text(let y)): return .text(cut(x + y))
    case ("+", .list(let x), .list(let y)): return .list(Array((x + y).prefix(256)))
    case ("*", .text(let text), .number(let count)), ("*", .number(let count), .text(let text)):
      return .text(cut(String(repeating: text, count: max(0, min(count, length / max(1, text.utf8.count))))))
    case ("%", .text(let text), _): return JinjaFormatting.percent(text, [b]).map { .text(cut($0)) }
    case (_, .number(let x), .number(let y)): return arithmetic(operation, x, y)
    default: return nil
    }
  }

  private static func arithmetic(_ operation: String, _ x: Int, _ y: Int) -> Value? {
    func saturated(_ result: (partialValue: Int, overflow: Bool)) -> Value {
      .number(result.overflow ? .max : result.partialValue)
    }
    switch operation {
    case "+": return saturated(x.addingReportingOverflow(y))
    case "-": return saturated(x.subtractingReportingOverflow(y))
    case "*": return saturated(x.multipliedReportingOverflow(by: y))
    case "/", "//": return y == 0 || (x == .min && y == -1) ? nil : .number(x / y)
    case "%": return y == 0 || (x == .min && y == -1) ? nil : .number(x % y)
    case "**":
      guard y >= 0 else { return nil }
      var (result, left) = (1, min(y, 64))
      while left > 0 {
        let (next, overflow) = result.multipliedReportingOverflow(by: x)
        if overflow { return .number(.max) }
        result = next
        left -= 1
      }
      return .number(result)
    default: return nil
    }
  }

  private mutating func unary(_ node: JinjaNode) -> Possible {
    guard let child = node.children.first else { return .unknown }
    if node.text == "not" { return Possible(values: [.flag(true), .flag(false)]) }
    var found = value(child)
    if node.text == "-" {
      found.values = found.values.map {
        if case .number(let number) = $0, number != .min { return .number(-number) }
        return $0
      }
    }
    return found
  }

  // MARK: Steps

  private mutating func postfix(_ index: Int, _ node: JinjaNode) -> Possible {
    guard let base = node.children.first else { return .unknown }
    var at = 1
    var found: Possible
    let head = tree[base]
    if let path = JinjaNames.path(index, tree), names.sources[path] != nil {
      found = named(path)
      return found
    }
    if head.kind == .name, node.children.count > 1, tree[node.children[1]].kind == .call {
      found = called(head.text, tree[node.children[1]])
      at = 2
    } else {
      found = value(base)
    }
    while at < node.children.count {
      let step = tree[node.children[at]]
      if step.kind == .attribute, at + 1 < node.children.count, tree[node.children[at + 1]].kind == .call {
        found = method(step.text, on: found, tree[node.children[at + 1]])
        at += 2
        continue
      }
      switch step.kind {
      case .subscripted: found = subscripted(found, step)
      case .attribute: found = member(found, step.text)
      case .filter: found = filtered(step.text, found, step)
      case .test: found = Possible(values: [.flag(true), .flag(false)])
      default: found = .unknown
      }
      at += 1
    }
    return found
  }

  private mutating func called(_ name: String, _ call: JinjaNode) -> Possible {
    if let macro = names.macros[name] {
      guard open.insert("macro " + name).inserted else { return .unknown }
      defer { open.remove("macro " + name) }
      return value(macro.body)
    }
    guard name == "dict" || name == "namespace" else { return .unknown }
    var pairs: [Value.Pair] = []
    var isOpen = false
    for argument in call.children {
      let given = tree[argument]
      guard given.kind == .keyword, let child = given.children.first else {
        isOpen = true
        continue
      }
      let one = value(child)
      isOpen = isOpen || one.isOpen
      if let item = one.values.first { pairs.append(Value.Pair(key: given.text, value: item)) }
    }
    return Possible(values: [.dict(pairs)], isOpen: isOpen)
  }

  private func member(_ whole: Possible, _ name: String) -> Possible {
    var found = Possible(isOpen: whole.isOpen)
    for item in whole.values {
      if case .dict(let pairs) = item { found.values += pairs.filter { $0.key == name }.map(\.value) }
    }
    return found.values.isEmpty ? .unknown : found
  }

  private mutating func subscripted(_ whole: Possible, _ step: JinjaNode) -> Possible {
    guard let index = step.children.first else { return .unknown }
    if tree[index].kind == .slice {
      let bounds = tree[index].children.map { child in tree[child].kind == .missing ? nil : value(child).values.first }
      return Possible(
        values: whole.values.compactMap { JinjaFormatting.slice($0, bounds) }, isOpen: whole.isOpen)
    }
    var found = Possible(isOpen: whole.isOpen)
    let keys = value(index)
    found.isOpen = found.isOpen || keys.isOpen
    for item in whole.values {
      if keys.isOpen, keys.values.isEmpty {
        // Any of them.
        found.values += elements(Possible(values: [item]), part: nil).values
        if case .dict(let pairs) = item { found.values = pairs.map(\.value) }
        continue
      }
      for key in keys.values {
        if let one = JinjaFormatting.item(item, key) { found.values.append(one) }
      }
    }
    return found.values.isEmpty ? .unknown : Self.bounded(found)
  }

  private mutating func method(_ name: String, on whole: Possible, _ call: JinjaNode) -> Possible {
    let arguments = positional(call)
    for text in whole.texts { charge(text.utf8.count * Self.width) }
    if let found = JinjaFormatting.method(name, whole, arguments) { return Self.bounded(found) }
    return .unknown
  }

  private mutating func filtered(_ name: String, _ whole: Possible, _ step: JinjaNode) -> Possible {
    let arguments = positional(step)
    for text in whole.texts { charge(text.utf8.count * Self.width) }
    if let found = JinjaFormatting.filter(name, whole, arguments) { return Self.bounded(found) }
    return .unknown
  }

  private mutating func positional(_ call: JinjaNode) -> [Possible] {
    call.children.prefix(16).map { child in
      let given = tree[child]
      if given.kind == .keyword || given.kind == .spread { return given.children.first.map { value($0) } ?? .unknown }
      return value(child)
    }
  }
}
