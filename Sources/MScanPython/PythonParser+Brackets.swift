extension PythonParser {
  // MARK: - Closing

  /// A closing bracket. `current` is the last element; without a node when there is none behind the last comma.
  mutating func close(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    if top.kind == .comprehensionIterable || top.kind == .comprehensionCondition { endClause(&current) }
    switch (kind, top.kind) {
    case (.rightParenthesis, .parenthesis): try closeParenthesis(&current)
    case (.rightParenthesis, .call):
      if current.node != 0 { try argument(&current) }
      closeNode(&current)
    case (.rightBracket, .list):
      if current.node != 0 { try element(&current) }
      closeNode(&current)
    case (.rightBrace, .brace):
      if current.node != 0 || top.state.contains(.awaitsValue) { try element(&current) }
      closeNode(&current)
    case (.rightBracket, .subscriptIndex): try closeSubscript(&current)
    case (.rightBrace, .field): return try closeField(&current)
    default: return try end(&current)
    }
    return .operation
  }

  /// Takes the bracket, and makes the node of the frame the operand.
  private mutating func closeNode(_ current: inout Operand) {
    let frame = frames.removeLast()
    nodes[Int(frame.node)].end = UInt32(truncatingIfNeeded: lexer.end)
    lexer.advance()
    current = Operand(node: frame.node, start: frame.start)
  }

  private mutating func closeParenthesis(_ current: inout Operand) throws(SyntaxFailure) {
    let at = frames.count - 1
    let state = frames[at].state
    if state.contains(.isComprehension) || (state.contains(.hasElement) && !state.contains(.hasComma)) {
      // The clauses belong to the generator already.
      return closeNode(&current)
    }
    if !state.contains(.hasComma), current.node != 0 {
      guard !isBare(current, .starred) else { throw unexpected("cannot use starred expression here") }
      let start = frames[at].start
      frames.removeLast()
      lexer.advance()
      current.start = start
      return
    }
    if frames[at].node == 0 { frames[at].node = add(.tuple, from: Int(frames[at].start), to: lexer.end) }
    if current.node != 0 {
      guard !isYield(current) else { throw unexpected() }
      addToFrame(current.node)
    }
    closeNode(&current)
  }

  private func isYield(_ operand: Operand) -> Bool { isBare(operand, .yield) || isBare(operand, .yieldFrom) }

  // MARK: - Commas

  mutating func comma(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    if top.kind == .comprehensionIterable || top.kind == .comprehensionCondition { endClause(&current) }
    let at = frames.count - 1
    switch top.kind {
    case .parenthesis:
      guard !top.state.contains(.isComprehension), !isYield(current) else { throw unexpected() }
      if frames[at].node == 0 { frames[at].node = add(.tuple, from: Int(frames[at].start), to: lexer.end) }
      addToFrame(current.node)
      frames[at].state.formUnion([.hasElement, .hasComma])
    case .list, .brace:
      try element(&current)
      frames[at].state.formUnion([.hasElement, .hasComma])
    case .call:
      try argument(&current)
      frames[at].state.insert(.hasElement)
    case .subscriptIndex: subscriptElement(&current)
    case .lambdaDefault: return try lambdaDefaultEnd(&current)
    case .root, .comprehensionTarget, .field, .yield:
      guard frames[at].state.contains(.takesTuple), !isYield(current) else { return try end(&current) }
      if frames[at].other == 0 { frames[at].other = add(.tuple, from: Int(current.start), to: lexer.end) }
      addToOther(current.node)
      frames[at].state.insert(.hasElement)
      current.node = 0
      lexer.advance()
      if kind.startsExpression { return .operand }
      joinTuple(&current)
      return .closing
    default: throw unexpected()
    }
    current.node = 0
    lexer.advance()
    return .operand
  }

  /// An element of a list, a set or a dictionary.
  private mutating func element(_ current: inout Operand) throws(SyntaxFailure) {
    let at = frames.count - 1
    if frames[at].kind == .brace {
      guard !frames[at].state.contains(.isComprehension) else {
        // Its element came before `for`.
        guard current.node == frames[at].node, lexer.kind == .rightBrace else { throw unexpected() }
        current.node = 0
        return
      }
      if frames[at].state.contains(.awaitsValue) {
        frames[at].state.remove(.awaitsValue)
        guard current.node != 0 else { throw unexpected() }
      } else if isBare(current, .doubleStarred) {
        frames[at].state.insert(.isDictionary)
      } else {
        guard !frames[at].state.contains(.isDictionary) else { throw unexpected() }
        nodes[Int(frames[at].node)].kind = .set
      }
    } else if frames[at].state.contains(.isComprehension) {
      guard current.node == frames[at].node, lexer.kind == .rightBracket else { throw unexpected() }
      current.node = 0
      return
    }
    addToFrame(current.node)
    current.node = 0
  }

  private mutating func argument(_ current: inout Operand) throws(SyntaxFailure) {
    let at = frames.count - 1
    let state = frames[at].state
    guard !state.contains(.hasBareGenerator) else { throw unexpected("generator must be parenthesized") }
    if state.contains(.isComprehension) {
      guard lexer.kind == .rightParenthesis else { throw unexpected("generator must be parenthesized") }
    } else if isBare(current, .keyword) {
      frames[at].state.insert(.hasKeyword)
    } else if isBare(current, .doubleStarred) {
      frames[at].state.insert(.hasDoubleStar)
    } else if isBare(current, .starred) {
      guard !state.contains(.hasDoubleStar) else { throw unexpected() }
    } else {
      guard !state.contains(.hasDoubleStar), !state.contains(.hasKeyword) else {
        throw unexpected("positional argument follows keyword argument")
      }
    }
    addToFrame(current.node)
    current.node = 0
  }

  // MARK: - Subscripts

  /// A bound of a slice, left out or not, and the colon behind it.
  mutating func slicePart(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    let at = frames.count - 1
    if !frames[at].state.contains(.inSlice) {
      let start = current.node == 0 ? lexer.start : Int(current.start)
      frames[at].other = add(.slice, from: start, to: lexer.end)
      frames[at].before = frames[at].otherLast
      frames[at].otherLast = 0
      frames[at].state.insert(.inSlice)
      frames[at].token = .colon
      sliceBound(&current, 1)
    } else {
      guard frames[at].token == .colon else { throw unexpected() }
      frames[at].token = .endOfFile
      sliceBound(&current, 2)
    }
    lexer.advance()
    return .operand
  }

  private mutating func sliceBound(_ current: inout Operand, _ bit: UInt32) {
    guard current.node != 0 else { return }
    let at = frames.count - 1
    nodes[Int(frames[at].other)].data |= bit
    addToOther(current.node)
    current.node = 0
  }

  /// Puts an index or a slice into the frame's tuple, which its first comma makes. The tuple is the last child.
  private mutating func subscriptElement(_ current: inout Operand) {
    let at = frames.count - 1
    endSlice(&current)
    if !frames[at].state.contains(.hasComma) {
      let tuple = add(.tuple, from: Int(current.start), to: lexer.end)
      addToFrame(tuple)
      frames[at].state.formUnion([.hasComma, .hasElement])
    }
    // The tuple is the subscript's last child; `otherLast` is its own last one.
    var last = frames[at].otherLast
    link(current.node, to: frames[at].last, after: &last)
    frames[at].otherLast = last
    current.node = 0
  }

  private mutating func endSlice(_ current: inout Operand) {
    let at = frames.count - 1
    guard frames[at].state.contains(.inSlice) else { return }
    sliceBound(&current, frames[at].token == .colon ? 2 : 4)
    let slice = frames[at].other
    nodes[Int(slice)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    current.node = slice
    frames[at].state.remove(.inSlice)
    frames[at].other = 0
    frames[at].otherLast = frames[at].before
  }

  private mutating func closeSubscript(_ current: inout Operand) throws(SyntaxFailure) {
    let at = frames.count - 1
    endSlice(&current)
    if current.node != 0 {
      if frames[at].state.contains(.hasComma) || isBare(current, .starred) {
        subscriptElement(&current)
      } else {
        addToFrame(current.node)
      }
    }
    closeNode(&current)
  }

  // MARK: - Comprehensions

  /// `for` behind an element: the brackets around it hold a comprehension.
  mutating func comprehension(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    if top.kind == .comprehensionIterable || top.kind == .comprehensionCondition {
      endClause(&current)
    } else {
      guard top.kind != .root else { return try end(&current) }
      try startComprehension(&current)
    }
    let start = lexer.start
    let isAsync = accept(.kwAsync)
    try expect(.kwFor)
    let at = frames.count - 1
    let clause = add(.comprehensionFor, from: start, to: lexer.previousEnd, data: isAsync ? 1 : 0)
    if frames[at].kind == .call {
      addToOther(clause)
    } else {
      addToFrame(clause)
    }
    try push(
      Frame(
        kind: .comprehensionTarget, binding: Binding.comparison, state: [.takesTuple, .takesStar, .endsAtIn],
        start: tokenStart, node: clause))
    return .operand
  }

  private mutating func startComprehension(_ current: inout Operand) throws(SyntaxFailure) {
    let at = frames.count - 1
    let state = frames[at].state
    guard !isBare(current, .starred), !isBare(current, .doubleStarred), !isBare(current, .keyword), !isYield(current),
      !state.contains(.hasComma), !state.contains(.isComprehension)
    else { throw unexpected() }
    switch frames[at].kind {
    case .parenthesis where !state.contains(.hasElement):
      frames[at].node = add(.generator, from: Int(frames[at].start), to: lexer.end)
    case .list where !state.contains(.hasElement): nodes[Int(frames[at].node)].kind = .listComprehension
    case .brace where state.contains(.awaitsValue):
      frames[at].state.remove(.awaitsValue)
      nodes[Int(frames[at].node)].kind = .dictionaryComprehension
    case .brace where !state.contains(.hasElement): nodes[Int(frames[at].node)].kind = .setComprehension
    case .call where !state.contains(.hasElement):
      frames[at].other = add(.generator, from: Int(current.start), to: lexer.end)
      addToOther(current.node)
      frames[at].state.insert(.isComprehension)
      current.node = 0
      return
    default: throw unexpected()
    }
    addToFrame(current.node)
    frames[at].state.formUnion([.isComprehension, .hasElement])
    current.node = 0
  }

  /// `in` behind the targets of a `for`.
  mutating func targetEnd(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    if top.kind == .root { return try end(&current) }
    if top.other != 0 { joinTuple(&current) }
    let at = frames.count - 1
    try checkTarget(current)
    addToFrame(current.node)
    current.node = 0
    frames[at] = Frame(
      kind: .comprehensionIterable, binding: Binding.or, start: tokenStart, node: frames[at].node,
      last: frames[at].last)
    lexer.advance()
    return .operand
  }

  /// The iterable or a filter is complete, and the clause with it; the operand is the comprehension.
  private mutating func endClause(_ current: inout Operand) {
    var frame = frames.removeLast()
    link(current.node, to: frame.node, after: &frame.last)
    nodes[Int(frame.node)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    let owner = top
    let node = owner.kind == .call ? owner.other : owner.node
    nodes[Int(node)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    current = Operand(node: node, start: owner.start)
  }
}
