extension PythonParser {
  /// Whether an operand or an operator is expected next.
  enum Step {
    case operand, operation
    /// Behind a last comma or a bare `yield`: only what ends the expression.
    case closing
    case done
  }

  /// Reads an expression. The current token is its first; afterwards it is the first that does not belong to it.
  ///
  /// A machine with two states: an operand is expected, or an operator. Left operands and open brackets wait in
  /// `frames`; an operator that binds less tightly completes those before it.
  mutating func expression(_ mode: Mode) throws(SyntaxFailure) -> Operand {
    let floor = frames.count
    frames.append(Frame(kind: .root, binding: mode.binding, state: mode.state, start: tokenStart))
    var current = Operand(node: 0, start: tokenStart)
    var step = Step.operand
    do throws(SyntaxFailure) {
      while step != .done {
        step = try take(step, &current)
      }
    } catch {
      salvage(from: floor, current)
      throw error
    }
    frames.removeLast(frames.count - floor)
    return current
  }

  /// One step of the machine.
  @inline(__always)
  mutating func take(_ step: Step, _ current: inout Operand) throws(SyntaxFailure) -> Step {
    switch step {
    case .operand: return try takeOperand(&current)
    case .closing:
      guard mayClose else { throw unexpected() }
      return try takeOperator(&current)
    case .operation, .done: return try takeOperator(&current)
    }
  }

  /// Whether the current token can stand behind a last comma.
  private var mayClose: Bool {
    switch kind {
    case .dot, .leftParenthesis, .leftBracket, .comma, .kwFor, .kwAsync, .colonEqual: false
    case .kwIf: inPattern && top.kind == .root
    case .kwIn: top.state.contains(.endsAtIn)
    default: Binding.of(kind) == 0
    }
  }

  /// Opens a construct.
  @inline(__always)
  mutating func push(_ frame: Frame) throws(SyntaxFailure) {
    if frames.count >= bounds.depth {
      if limit == nil { limit = ("pythonDepth", lexer.start) }
      throw SyntaxFailure(offset: lexer.start, problem: "too deeply nested")
    }
    if nodes.count >= bounds.nodes {
      if limit == nil { limit = ("pythonNodes", lexer.start) }
      throw SyntaxFailure(offset: lexer.start, problem: "too many expressions")
    }
    frames.append(frame)
  }

  @inline(__always) var top: Frame { frames[frames.count - 1] }

  /// A word or literal that is an operand by itself.
  @inline(__always)
  private mutating func atom(_ kind: NodeKind, _ data: UInt32, _ current: inout Operand) -> Step {
    current = Operand(node: add(kind, from: lexer.start, to: lexer.end, data: data), start: tokenStart)
    lexer.advance()
    return .operation
  }

  private mutating func takeOperand(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    switch kind {
    case .name: return atom(.name, currentName(), &current)
    case .number: return atom(.number, 0, &current)
    case .kwTrue, .kwFalse, .kwNone, .ellipsis: return atom(.constant, UInt32(kind.rawValue), &current)
    case .string, .formatString: return try strings(&current)
    case .leftParenthesis:
      try push(Frame(kind: .parenthesis, state: [.takesNamed, .takesStar, .takesYield], start: tokenStart))
      lexer.advance()
      return .operand
    case .leftBracket:
      let node = add(.list, from: lexer.start, to: lexer.end)
      try push(Frame(kind: .list, state: [.takesNamed, .takesStar], start: tokenStart, node: node))
      lexer.advance()
      return .operand
    case .leftBrace:
      let node = add(.dictionary, from: lexer.start, to: lexer.end)
      try push(Frame(kind: .brace, state: [.takesNamed, .takesStar], start: tokenStart, node: node))
      lexer.advance()
      return .operand
    case .minus, .plus, .tilde:
      guard top.binding <= Binding.unary || top.token == .doubleStar else { throw unexpected() }
      return try prefix(.unary, Binding.unary)
    case .kwNot:
      guard top.binding <= Binding.not else { throw unexpected() }
      return try prefix(.not, Binding.not)
    case .kwAwait:
      guard top.kind != .await else { throw unexpected() }
      return try prefix(.await, Binding.await)
    case .kwLambda: return try lambda()
    case .kwYield: return try yield(&current)
    case .star:
      guard top.kind.isBarrier, top.state.contains(.takesStar), !top.state.contains(.isDictionary),
        !top.state.contains(.inSlice)
      else { throw unexpected() }
      return try prefix(.star, top.kind == .call ? Binding.named : Binding.comparison)
    case .doubleStar:
      let isMapping =
        top.kind == .brace && !top.state.contains(.awaitsValue)
        && (top.state.contains(.isDictionary) || !top.state.contains(.hasElement))
      guard isMapping || top.kind == .call else { throw unexpected() }
      return try prefix(.doubleStar, top.kind == .call ? Binding.named : Binding.comparison)
    case .rightParenthesis, .rightBracket, .rightBrace, .colon, .comma: return try missingOperand(&current)
    default: throw unexpected()
    }
  }

  private mutating func prefix(_ kind: Frame.Kind, _ binding: UInt8) throws(SyntaxFailure) -> Step {
    try push(Frame(kind: kind, binding: binding, token: lexer.kind, start: tokenStart))
    lexer.advance()
    return .operand
  }

  /// Where an operand may be left out: in empty brackets, behind a last comma, around the colons of a slice.
  private mutating func missingOperand(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    let state = top.state
    switch (kind, top.kind) {
    case (.rightParenthesis, .parenthesis) where !state.contains(.hasElement) || state.contains(.hasComma),
      (.rightParenthesis, .call), (.rightBracket, .list):
      current.node = 0
      return try close(&current)
    case (.rightBrace, .brace) where !state.contains(.awaitsValue):
      current.node = 0
      return try close(&current)
    case (.rightBracket, .subscriptIndex) where state.contains(.inSlice) || state.contains(.hasElement):
      current.node = 0
      return try close(&current)
    case (.colon, .subscriptIndex):
      current.node = 0
      return try slicePart(&current)
    case (.comma, .subscriptIndex) where state.contains(.inSlice):
      current.node = 0
      return try comma(&current)
    default: throw unexpected()
    }
  }

  // MARK: - Yield and lambda

  private mutating func yield(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    guard top.kind.isBarrier, top.state.contains(.takesYield), !top.state.contains(.hasElement) else {
      throw unexpected()
    }
    let start = tokenStart
    lexer.advance()
    if accept(.kwFrom) {
      try push(Frame(kind: .yieldFrom, binding: Binding.named, start: start))
      return .operand
    }
    if kind.startsExpression {
      try push(Frame(kind: .yield, state: [.takesTuple, .takesStar], start: start))
      return .operand
    }
    current = Operand(node: finish(.yield, from: start), start: start)
    return .closing
  }

  private mutating func lambda() throws(SyntaxFailure) -> Step {
    guard top.binding <= Binding.conditional, top.kind != .field else { throw unexpected() }
    let node = add(.lambda, from: lexer.start, to: lexer.end)
    let parameters = add(.parameters, from: lexer.end, to: lexer.end)
    var last: NodeID = 0
    link(parameters, to: node, after: &last)
    try push(
      Frame(
        kind: .lambdaBody, binding: Binding.conditional, start: tokenStart, node: node, last: last, other: parameters))
    lexer.advance()
    return try lambdaParameters()
  }

  /// Parameters of the lambda on top, up to a default or to its colon.
  mutating func lambdaParameters() throws(SyntaxFailure) -> Step {
    let at = frames.count - 1
    while true {
      var order = ParameterOrder(rawValue: frames[at].state.rawValue)
      if kind == .colon {
        guard order.mayEnd else { throw unexpected() }
        lexer.advance()
        return .operand
      }
      let (parameter, takesDefault) = try parameterStart(&order)
      if parameter != 0 {
        addToOther(parameter)
        if takesDefault, accept(.equal) {
          nodes[Int(parameter)].flags |= ParameterForm.defaultValue
          guard order.takeName(hasDefault: true) else { throw unexpected() }
          frames[at].state = Frame.State(rawValue: order.rawValue)
          try push(Frame(kind: .lambdaDefault, start: tokenStart, node: parameter))
          return .operand
        }
        if takesDefault { guard order.takeName(hasDefault: false) else { throw unexpected() } }
      }
      frames[at].state = Frame.State(rawValue: order.rawValue)
      if !accept(.comma), kind != .colon { throw unexpected() }
    }
  }

  /// `name`, `*name`, `**name`, or a bare `*` or `/`, for which there is no node. Says whether a default may follow.
  mutating func parameterStart(_ order: inout ParameterOrder) throws(SyntaxFailure) -> (NodeID, Bool) {
    let start = lexer.start
    switch kind {
    case .name:
      let name = currentName()
      lexer.advance()
      return (add(.parameter, from: start, to: lexer.previousEnd, data: name), true)
    case .star:
      lexer.advance()
      guard kind == .name else {
        guard kind == .comma, order.takeStar(isBare: true) else { throw unexpected() }
        return (0, false)
      }
      guard order.takeStar(isBare: false) else { throw unexpected() }
      let name = try identifier()
      return (
        add(.parameter, from: start, to: lexer.previousEnd, data: name, flags: ParameterForm.variadic), false
      )
    case .doubleStar:
      lexer.advance()
      let name = try identifier()
      guard order.takeKeywords() else { throw unexpected() }
      return (
        add(.parameter, from: start, to: lexer.previousEnd, data: name, flags: ParameterForm.keywords), false
      )
    case .slash:
      guard order.takeSlash() else { throw unexpected() }
      lexer.advance()
      return (0, false)
    default: throw unexpected()
    }
  }
}

/// What a parameter list has had so far, by the grammar's order.
struct ParameterOrder {
  var rawValue: UInt16 = 0

  private static let hasDefault: UInt16 = 1
  private static let hasStar: UInt16 = 2
  private static let needsName: UInt16 = 4
  private static let hasSlash: UInt16 = 8
  private static let isClosed: UInt16 = 16
  private static let hasName: UInt16 = 32

  private func has(_ flag: UInt16) -> Bool { rawValue & flag != 0 }

  var mayEnd: Bool { !has(Self.needsName) }

  mutating func takeName(hasDefault: Bool) -> Bool {
    guard !has(Self.isClosed) else { return false }
    if !hasDefault, has(Self.hasDefault), !has(Self.hasStar) { return false }
    rawValue |= Self.hasName | (hasDefault ? Self.hasDefault : 0)
    rawValue &= ~Self.needsName
    return true
  }

  mutating func takeStar(isBare: Bool) -> Bool {
    guard !has(Self.isClosed), !has(Self.hasStar) else { return false }
    rawValue |= Self.hasStar | (isBare ? Self.needsName : 0)
    return true
  }

  mutating func takeSlash() -> Bool {
    guard has(Self.hasName), !has(Self.hasSlash), !has(Self.hasStar), !has(Self.isClosed) else { return false }
    rawValue |= Self.hasSlash
    return true
  }

  mutating func takeKeywords() -> Bool {
    guard !has(Self.isClosed), !has(Self.needsName) else { return false }
    rawValue |= Self.isClosed
    return true
  }
}
