extension JinjaParser {
  /// One expression, or several with commas between them as a tuple.
  mutating func tuple(conditionals: Bool = true) -> Int {
    let start = token.start
    var parts: [Int] = []
    var hasComma = false
    while tree.limit == nil {
      let before = index
      parts.append(expression(conditionals: conditionals))
      guard takeSymbol(",") else { break }
      hasComma = true
      if isTagEnd || isSymbol(")") || isName("if") || index == before { break }
    }
    if parts.isEmpty { return missing() }
    return hasComma ? add(.tuple, start, lastEnd, children: parts) : parts[0]
  }

  /// - Parameter conditionals: whether `a if b else c` may stand here.
  mutating func expression(conditionals: Bool = true) -> Int {
    deeper { parser in
      let start = parser.token.start
      let value = parser.chain(0)
      guard conditionals, parser.takeName("if") else { return value }
      let condition = parser.chain(0)
      let otherwise = parser.takeName("else") ? parser.expression() : parser.missing()
      return parser.add(.conditional, start, parser.lastEnd, children: [value, condition, otherwise])
    }
  }

  // MARK: Operators

  /// Loosest first. The level between the second and the fourth is that of `not`.
  private static let levels: [Set<String>] = [
    ["or"], ["and"], ["==", "!=", "<", ">", "<=", ">=", "in", "not in"], ["+", "-"], ["~"], ["*", "/", "//", "%"],
    ["**"],
  ]

  /// A chain of operators of one level, all of it in one node.
  private mutating func chain(_ level: Int) -> Int {
    guard level < Self.levels.count else { return unary(filters: true) }
    if level == 2, isName("not") {
      return deeper { parser in
        let start = parser.token.start
        parser.advance()
        let operand = parser.chain(2)
        return parser.add(.unary, start, parser.lastEnd, text: "not", children: [operand])
      }
    }
    let start = token.start
    var operands = [chain(level + 1)]
    var operators: [String] = []
    while tree.limit == nil, let found = binary(level) {
      operators.append(found)
      operands.append(chain(level == 1 ? 2 : level + 1))
    }
    return operators.isEmpty
      ? operands[0] : add(.chain, start, lastEnd, operators: operators, children: operands)
  }

  /// Takes an operator of the level.
  private mutating func binary(_ level: Int) -> String? {
    guard token.kind == .symbol || token.kind == .name else { return nil }
    if level == 2, isName("not"), peek(1).kind == .name, peek(1).text == "in" {
      advance()
      advance()
      return "not in"
    }
    guard Self.levels[level].contains(token.text) else { return nil }
    let text = token.text
    advance()
    return text
  }

  /// A sign, or a value with its steps.
  mutating func unary(filters: Bool) -> Int {
    if isSymbol("-") || isSymbol("+") {
      return deeper { parser in
        let start = parser.token.start
        let sign = parser.token.text
        parser.advance()
        let operand = parser.unary(filters: false)
        let value = parser.add(.unary, start, parser.lastEnd, text: sign, children: [operand])
        return filters ? parser.steps(after: value, start, filters: true) : value
      }
    }
    let start = token.start
    let value = deeper { $0.primary() }
    return steps(after: value, start, filters: filters)
  }

  // MARK: Values

  private mutating func primary() -> Int {
    let here = token
    switch here.kind {
    case .name:
      advance()
      switch here.text {
      case "true", "True", "false", "False", "none", "None":
        return add(.constant, here.start, here.end, text: here.text.lowercased())
      default: return add(.name, here.start, here.end, text: here.text)
      }
    case .string: return string()
    case .number:
      advance()
      return add(.number, here.start, here.end, text: here.text)
    case .symbol where here.text == "(":
      advance()
      if takeSymbol(")") { return add(.tuple, here.start, lastEnd) }
      let value = tuple()
      expectSymbol(")")
      return value
    case .symbol where here.text == "[": return sequence()
    case .symbol where here.text == "{": return dict()
    default:
      problem(isTagEnd ? "an expression is missing" : "'\(here.text)' is not expected here")
      if !isTagEnd { advance() }
      return missing()
    }
  }

  /// Strings side by side are one.
  private mutating func string() -> Int {
    let start = token.start
    var text = ""
    var isExact = true
    while token.kind == .string {
      text += token.text
      isExact = isExact && token.isExact
      advance()
    }
    return add(.string, start, lastEnd, text: text, isExact: isExact)
  }

  private mutating func sequence() -> Int {
    let start = token.start
    advance()
    var items: [Int] = []
    while !isSymbol("]"), !isTagEnd, tree.limit == nil {
      let before = index
      items.append(expression())
      if !takeSymbol(","), !isSymbol("]") { problem("expected ',' or ']'") }
      if index == before { advance() }
    }
    expectSymbol("]")
    return add(.list, start, lastEnd, children: items)
  }

  private mutating func dict() -> Int {
    let start = token.start
    advance()
    var items: [Int] = []
    while !isSymbol("}"), !isTagEnd, tree.limit == nil {
      let before = index
      items.append(expression())
      expectSymbol(":")
      items.append(expression())
      if !takeSymbol(","), !isSymbol("}") { problem("expected ',' or '}'") }
      if index == before { advance() }
    }
    expectSymbol("}")
    return add(.dict, start, lastEnd, children: items)
  }

  // MARK: Steps

  /// Attributes, indices and calls, and with `filters` also filters and tests.
  private mutating func steps(after value: Int, _ start: Int, filters: Bool) -> Int {
    var found: [Int] = []
    while tree.limit == nil {
      if isSymbol(".") {
        found.append(attributeStep())
      } else if isSymbol("[") {
        found.append(subscriptStep())
      } else if isSymbol("(") {
        let here = token.start
        let given = arguments()
        found.append(add(.call, here, lastEnd, children: given))
      } else if filters, isSymbol("|") {
        found.append(filterStep())
      } else if filters, isName("is") {
        found.append(testStep())
      } else {
        break
      }
    }
    return found.isEmpty ? value : add(.postfix, start, lastEnd, children: [value] + found)
  }

  private mutating func attributeStep() -> Int {
    let start = token.start
    advance()
    let here = token
    guard here.kind == .name || here.kind == .number else {
      problem("expected a name behind '.'")
      return add(.attribute, start, lastEnd)
    }
    advance()
    if here.kind == .number {
      let number = add(.number, here.start, here.end, text: here.text)
      return add(.subscripted, start, lastEnd, children: [number])
    }
    return add(.attribute, start, lastEnd, text: here.text)
  }

  private mutating func subscriptStep() -> Int {
    let start = token.start
    advance()
    var parts: [Int] = []
    while !isSymbol("]"), !isTagEnd, tree.limit == nil {
      let before = index
      parts.append(sliceOrIndex())
      if !takeSymbol(","), !isSymbol("]") { problem("expected ']'") }
      if index == before { advance() }
    }
    if parts.isEmpty { problem("an index is missing") }
    expectSymbol("]")
    return add(.subscripted, start, lastEnd, children: parts)
  }

  private mutating func sliceOrIndex() -> Int {
    let start = token.start
    var parts: [Int] = [isSymbol(":") ? missing() : expression()]
    guard isSymbol(":") else { return parts[0] }
    while takeSymbol(":"), parts.count < 3 {
      let isEmpty = isSymbol(":") || isSymbol("]") || isSymbol(",") || isTagEnd
      parts.append(isEmpty ? missing() : expression())
    }
    while parts.count < 3 { parts.append(missing()) }
    return add(.slice, start, lastEnd, children: parts)
  }

  /// What stands in the brackets of a call.
  private mutating func arguments() -> [Int] {
    advance()
    var found: [Int] = []
    while !isSymbol(")"), !isTagEnd, tree.limit == nil {
      let here = token
      let before = index
      if isSymbol("*") || isSymbol("**") {
        advance()
        let value = expression()
        found.append(add(.spread, here.start, lastEnd, text: here.text, children: [value]))
      } else if here.kind == .name, peek(1).kind == .symbol, peek(1).text == "=" {
        advance()
        advance()
        let value = expression()
        found.append(add(.keyword, here.start, lastEnd, text: here.text, children: [value]))
      } else {
        found.append(expression())
      }
      if !takeSymbol(","), !isSymbol(")") { problem("expected ',' or ')'") }
      if index == before { advance() }
    }
    expectSymbol(")")
    return found
  }

  mutating func filterStep() -> Int {
    let start = token.start
    advance()
    guard token.kind == .name else {
      problem("expected the name of a filter")
      return add(.filter, start, lastEnd)
    }
    return filterName(start)
  }

  /// `name`, `name.part` and perhaps arguments.
  mutating func filterName(_ start: Int) -> Int {
    let name = dottedName()
    let given = isSymbol("(") ? arguments() : []
    return add(.filter, start, lastEnd, text: name, children: given)
  }

  private mutating func dottedName() -> String {
    var name = token.text
    advance()
    while isSymbol("."), peek(1).kind == .name {
      advance()
      name += "." + token.text
      advance()
    }
    return name
  }

  private mutating func testStep() -> Int {
    let start = token.start
    advance()
    let isNegated = takeName("not")
    guard token.kind == .name else {
      problem("expected the name of a test")
      return add(.test, start, lastEnd)
    }
    let name = dottedName()
    var given: [Int] = []
    if isSymbol("(") {
      given = arguments()
    } else if takesOperand {
      // A test takes one value without brackets, and that no operators.
      given = [deeper { $0.unary(filters: false) }]
    }
    return add(.test, start, lastEnd, text: name, operators: isNegated ? ["not"] : [], children: given)
  }

  /// Whether the argument of a test stands here.
  private var takesOperand: Bool {
    switch token.kind {
    case .string, .number: true
    case .symbol: ["[", "{"].contains(token.text)
    case .name: !["else", "or", "and", "is", "if", "in", "not", "recursive"].contains(token.text)
    default: false
    }
  }
}
