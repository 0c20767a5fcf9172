extension PythonParser {
  /// Completes constructs on top of the stack that bind at least as tightly as `binding`, down to the first that holds
  /// elements.
  @inline(__always)
  mutating func reduce(to binding: UInt8, _ current: inout Operand) {
    while let frame = frames.last, !frame.kind.isBarrier, frame.binding >= binding {
      frames.removeLast()
      complete(frame, &current)
    }
  }

  private mutating func complete(_ frame: Frame, _ current: inout Operand) {
    var node = frame.node
    var last = frame.last
    switch frame.kind {
    case .binary:
      let form: NodeKind =
        switch frame.binding {
        case Binding.or, Binding.and: .boolean
        case Binding.comparison: .comparison
        default: .binary
        }
      let left = frame.node
      node = finish(form, from: frame.start, data: UInt32(frame.token.rawValue))
      link(left, to: node, after: &last)
    case .unary: node = finish(.unary, from: frame.start, data: UInt32(frame.token.rawValue))
    case .not: node = finish(.not, from: frame.start)
    case .await: node = finish(.await, from: frame.start)
    case .star: node = finish(.starred, from: frame.start)
    case .doubleStar: node = finish(.doubleStarred, from: frame.start)
    case .yieldFrom: node = finish(.yieldFrom, from: frame.start)
    default: nodes[Int(node)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    }
    link(current.node, to: node, after: &last)
    current = Operand(node: node, start: frame.start)
  }

  /// Completes everything down to the innermost brackets, `yield` among it.
  mutating func settle(_ current: inout Operand) {
    reduce(to: Binding.lowest, &current)
    while let frame = frames.last, frame.kind == .yield {
      joinTuple(&current)
      frames.removeLast()
      let node = finish(.yield, from: frame.start)
      var last: NodeID = 0
      link(current.node, to: node, after: &last)
      current = Operand(node: node, start: frame.start)
      reduce(to: Binding.lowest, &current)
    }
  }

  /// Adds the operand to the tuple of the frame on top, if it has one, which becomes the operand.
  mutating func joinTuple(_ current: inout Operand) {
    let at = frames.count - 1
    let tuple = frames[at].other
    guard tuple != 0 else { return }
    if current.node != 0 { addToOther(current.node) }
    nodes[Int(tuple)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    current = Operand(node: tuple, start: nodes[Int(tuple)].start)
    frames[at].other = 0
    frames[at].otherLast = 0
  }

  func isBareName(_ operand: Operand) -> Bool {
    guard operand.node != 0 else { return false }
    let node = nodes[Int(operand.node)]
    return node.kind == .name && node.start == operand.start
  }

  /// Whether the operand is of this kind, without parentheses around it.
  func isBare(_ operand: Operand, _ kind: NodeKind) -> Bool {
    guard operand.node != 0 else { return false }
    let node = nodes[Int(operand.node)]
    return node.kind == kind && node.start == operand.start
  }

  // MARK: - The state behind an operand

  mutating func takeOperator(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    switch kind {
    case .dot:
      lexer.advance()
      let name = try identifier()
      let node = finish(.attribute, from: current.start, data: name)
      nodes[Int(node)].first = current.node
      current.node = node
      return .operation
    case .leftParenthesis:
      let node = add(inPattern ? .classPattern : .call, from: Int(current.start), to: lexer.end)
      nodes[Int(node)].first = current.node
      let callee = current.node
      current.node = 0
      try push(
        Frame(kind: .call, state: [.takesNamed, .takesStar], start: current.start, node: node, last: callee))
      lexer.advance()
      return .operand
    case .leftBracket:
      let node = add(.item, from: Int(current.start), to: lexer.end)
      nodes[Int(node)].first = current.node
      let object = current.node
      current.node = 0
      try push(
        Frame(
          kind: .subscriptIndex, state: [.takesNamed, .takesStar], start: current.start, node: node, last: object))
      lexer.advance()
      return .operand
    case .comma:
      reduce(to: Binding.lowest, &current)
      return try comma(&current)
    case .rightParenthesis, .rightBracket, .rightBrace:
      settle(&current)
      return try close(&current)
    case .colon:
      settle(&current)
      return try colon(&current)
    case .equal: return try equal(&current)
    case .kwIn:
      reduce(to: Binding.comparison, &current)
      if top.state.contains(.endsAtIn), top.kind.isBarrier { return try targetEnd(&current) }
      return try binary(Binding.comparison, &current)
    case .kwIf: return try condition(&current)
    case .kwElse:
      reduce(to: Binding.or, &current)
      guard top.kind == .conditionalTest else { return try end(&current) }
      return try otherwise(&current)
    case .colonEqual: return try named(&current)
    case .kwFor, .kwAsync:
      settle(&current)
      return try comprehension(&current)
    case .exclamation:
      settle(&current)
      guard top.kind == .field else { return try end(&current) }
      return try conversion(&current)
    case .kwAs where inPattern:
      settle(&current)
      lexer.advance()
      let name = try identifier()
      let node = finish(.asPattern, from: current.start, data: name)
      nodes[Int(node)].first = current.node
      current.node = node
      return .operation
    default:
      let binding = Binding.of(kind)
      guard binding > 0 else { return try end(&current) }
      reduce(to: kind == .doubleStar ? Binding.await : binding, &current)
      return try binary(binding, &current)
    }
  }

  private mutating func binary(_ binding: UInt8, _ current: inout Operand) throws(SyntaxFailure) -> Step {
    guard top.binding <= binding || !top.kind.isBarrier, !isBare(current, .starred) else { throw unexpected() }
    if inPattern, kind != .pipe, kind != .minus, kind != .plus { throw unexpected() }
    let token = kind
    let (node, start) = (current.node, current.start)
    current.node = 0
    try push(Frame(kind: .binary, binding: binding, token: token, start: start, node: node))
    lexer.advance()
    if token == .kwNot {
      try expect(.kwIn)
    } else if token == .kwIs {
      _ = accept(.kwNot)
    }
    return .operand
  }

  /// A token that goes on with no expression: the end, when no brackets are open.
  mutating func end(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    settle(&current)
    guard top.kind == .root else { throw unexpected() }
    if top.other != 0 { joinTuple(&current) }
    return .done
  }

  // MARK: - Conditions and names

  /// `value if test else …`, or a filter of a comprehension.
  private mutating func condition(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    reduce(to: Binding.or, &current)
    let at = frames.count - 1
    switch top.kind {
    case .comprehensionIterable, .comprehensionCondition:
      addToFrame(current.node)
      current.node = 0
      frames[at].kind = .comprehensionCondition
      lexer.advance()
      return .operand
    case .root where inPattern || top.binding > Binding.conditional: return try end(&current)
    default:
      guard top.binding <= Binding.conditional, !isBare(current, .starred) else { throw unexpected() }
      let (node, start) = (current.node, current.start)
      current.node = 0
      try push(Frame(kind: .conditionalTest, binding: Binding.or, start: start, node: node))
      lexer.advance()
      return .operand
    }
  }

  private mutating func otherwise(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    let at = frames.count - 1
    let value = frames[at].node
    let node = finish(.conditional, from: frames[at].start)
    var last: NodeID = 0
    link(current.node, to: node, after: &last)
    link(value, to: node, after: &last)
    current.node = 0
    frames[at].kind = .conditionalElse
    frames[at].binding = Binding.conditional
    frames[at].node = node
    frames[at].last = last
    lexer.advance()
    return .operand
  }

  private mutating func named(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    if top.kind.isBarrier, top.state.contains(.takesNamed), !top.state.contains(.awaitsValue),
      !top.state.contains(.inSlice), isBareName(current)
    {
      let node = finish(.namedExpression, from: current.start)
      var last: NodeID = 0
      link(current.node, to: node, after: &last)
      let start = current.start
      current.node = 0
      try push(Frame(kind: .named, binding: Binding.named, start: start, node: node, last: last))
      lexer.advance()
      return .operand
    }
    settle(&current)
    guard top.kind == .field else { throw unexpected() }
    return try specification(&current)
  }

  /// `=` behind a name in a call, in a field of an f-string, or behind the expression.
  private mutating func equal(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    if top.kind == .call, isBareName(current) {
      let name = nodes[Int(current.node)].data
      let node = finish(.keyword, from: current.start, data: name)
      let start = current.start
      current.node = 0
      try push(Frame(kind: .keyword, binding: Binding.named, start: start, node: node))
      lexer.advance()
      return .operand
    }
    settle(&current)
    guard top.kind == .field else { return try end(&current) }
    nodes[Int(top.node)].data |= 0x100
    lexer.advance()
    switch kind {
    case .exclamation: return try conversion(&current)
    case .colon, .colonEqual: return try specification(&current)
    case .rightBrace: return try close(&current)
    default: throw unexpected()
    }
  }

  /// `:` ends a default, a key, a bound of a slice or the expression of a field.
  private mutating func colon(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    let at = frames.count - 1
    switch top.kind {
    case .subscriptIndex:
      guard !isBare(current, .namedExpression), !isBare(current, .starred) else { throw unexpected() }
      return try slicePart(&current)
    case .brace:
      let state = top.state
      guard !state.contains(.awaitsValue), !state.contains(.isComprehension),
        state.contains(.isDictionary) || !state.contains(.hasElement), !isBare(current, .starred),
        !isBare(current, .doubleStarred), !isBare(current, .namedExpression)
      else { throw unexpected() }
      addToFrame(current.node)
      current.node = 0
      frames[at].state.formUnion([.isDictionary, .awaitsValue, .hasElement])
      lexer.advance()
      return .operand
    case .lambdaDefault: return try lambdaDefaultEnd(&current)
    case .field: return try specification(&current)
    default: return try end(&current)
    }
  }

  mutating func lambdaDefaultEnd(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    let parameter = top.node
    nodes[Int(parameter)].first = current.node
    nodes[Int(parameter)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    current.node = 0
    frames.removeLast()
    _ = accept(.comma)
    return try lambdaParameters()
  }
}
