extension PythonParser {
  /// Reads the header of a compound statement and opens its body; false when the current token starts none.
  mutating func compoundStatement() -> Bool {
    header = nil
    do throws(SyntaxFailure) {
      if blocks[blocks.count - 1].clause == .matchStatement {
        guard kind == .name, lexer.word == SoftKeyword.case else {
          note("expected 'case'", at: lexer.start)
          return try ordinaryCompound()
        }
        try caseHeader()
        return true
      }
      return try ordinaryCompound()
    } catch { recoverHeader(error) }
    return true
  }

  private mutating func ordinaryCompound() throws(SyntaxFailure) -> Bool {
    switch kind {
    case .kwIf: try conditionHeader(.ifStatement)
    case .kwWhile: try conditionHeader(.whileStatement)
    case .kwFor: try forHeader(from: tokenStart, isAsync: false)
    case .kwTry: try plainHeader(.tryStatement)
    case .kwWith: try withHeader(from: tokenStart, isAsync: false)
    case .kwDef: try functionHeader(from: tokenStart, isAsync: false, decorators: [])
    case .kwClass: try classHeader(decorators: [])
    case .at: try decorated()
    case .kwAsync: try asyncHeader(decorators: [])
    case .name where lexer.word == SoftKeyword.match: return try matchHeader()
    default: return false
    }
    return true
  }

  /// A header that breaks still has a body.
  private mutating func recoverHeader(_ failure: SyntaxFailure) {
    note(failure)
    let open = header
    header = nil
    recover()
    guard kind == .indent else {
      if let open { finishCompound(open) }
      return
    }
    lexer.advance()
    if let open { openBody(open) } else { openStrayBlock() }
  }

  // MARK: - Bodies

  /// Adds the statement to the open block and keeps it as the header being read.
  private mutating func begin(
    _ form: NodeKind, from start: UInt32, data: UInt32 = 0, flags: UInt8 = 0
  ) -> NodeID {
    let node = finish(form, from: start, data: data, flags: flags)
    attach(node)
    header = Block(clause: form, node: node, last: 0, owner: node, ownerLast: 0)
    return node
  }

  /// Adds a child to the clause being read.
  private mutating func addToHeader(_ child: NodeID) {
    guard child != 0, var open = header else { return }
    link(child, to: open.owner, after: &open.ownerLast)
    if open.owner == open.node { open.last = open.ownerLast }
    header = open
  }

  private mutating func openBody(_ open: Block) {
    var open = open
    open.body = add(.block, from: lexer.start, to: lexer.start)
    open.bodyLast = 0
    open.isFinished = false
    link(open.body, to: open.owner, after: &open.ownerLast)
    if open.owner == open.node { open.last = open.ownerLast }
    blocks.append(open)
  }

  /// The colon of a header and what stands behind it on the line; an indented body is left to the caller's loop.
  private mutating func body() throws(SyntaxFailure) {
    try expect(.colon, "expected ':'")
    guard let open = header else { return }
    header = nil
    if accept(.newline) {
      if accept(.indent) { return openBody(open) }
      note("expected an indented block", at: lexer.start)
      var closed = open
      closed.isFinished = true
      return blocks.append(closed)
    }
    openBody(open)
    simpleLine()
    blocks[blocks.count - 1].isFinished = true
  }

  /// Closes the innermost block, and reads the header of the clause that follows it, if there is one.
  mutating func closeBlock() {
    guard let open = blocks.popLast() else { return }
    if open.body != 0 { nodes[Int(open.body)].end = UInt32(truncatingIfNeeded: lexer.previousEnd) }
    nodes[Int(open.owner)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    header = nil
    do throws(SyntaxFailure) {
      if try !nextClause(of: open) { finishCompound(open) }
    } catch { recoverHeader(error) }
  }

  private mutating func finishCompound(_ open: Block) {
    nodes[Int(open.node)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    if open.clause == .tryStatement, !open.hasHandler {
      note("expected 'except' or 'finally' block", at: lexer.start)
    }
  }

  /// Whether the current token starts a clause that may follow this one; its header is then read.
  private mutating func nextClause(of open: Block) throws(SyntaxFailure) -> Bool {
    switch (open.clause, kind) {
    case (.ifStatement, .kwElif), (.elifClause, .kwElif):
      continueWith(.elifClause, of: open)
      addToHeader(try expression(.named).node)
    case (.ifStatement, .kwElse), (.elifClause, .kwElse), (.whileStatement, .kwElse), (.forStatement, .kwElse),
      (.exceptClause, .kwElse):
      continueWith(.elseClause, of: open)
    case (.tryStatement, .kwExcept), (.exceptClause, .kwExcept):
      continueWith(.exceptClause, of: open)
      try exceptHeader()
    case (.tryStatement, .kwFinally), (.exceptClause, .kwFinally): continueWith(.finallyClause, of: open)
    case (.elseClause, .kwFinally) where open.hasHandler: continueWith(.finallyClause, of: open)
    default: return false
    }
    try body()
    return true
  }

  private mutating func continueWith(_ clause: NodeKind, of open: Block) {
    let start = tokenStart
    lexer.advance()
    var open = open
    let node = finish(clause, from: start, data: PythonNames.none)
    link(node, to: open.node, after: &open.last)
    (open.clause, open.owner, open.ownerLast) = (clause, node, 0)
    if clause == .exceptClause || clause == .finallyClause { open.hasHandler = true }
    header = open
  }

  // MARK: - Headers

  private mutating func plainHeader(_ form: NodeKind) throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    _ = begin(form, from: start)
    try body()
  }

  private mutating func conditionHeader(_ form: NodeKind) throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    _ = begin(form, from: start)
    addToHeader(try expression(.named).node)
    try body()
  }

  private mutating func forHeader(from start: UInt32, isAsync: Bool) throws(SyntaxFailure) {
    lexer.advance()
    _ = begin(.forStatement, from: start, flags: isAsync ? 1 : 0)
    let target = try expression(.forTargets)
    addToHeader(target.node)
    try checkTarget(target)
    try expect(.kwIn)
    addToHeader(try expression(.many).node)
    try body()
  }

  /// `except`, `except T`, `except T as name`, `except* T`, and 3.14's `except T, U`.
  private mutating func exceptHeader() throws(SyntaxFailure) {
    let isGroup = accept(.star)
    guard kind != .colon || isGroup else { return }
    let types = try expression(.many)
    addToHeader(types.node)
    guard accept(.kwAs) else { return }
    let name = try identifier()
    if let owner = header?.owner { nodes[Int(owner)].data = name }
    if isBare(types, .tuple), nodes[Int(types.node)].kind == .tuple,
      lexer.byte(Int(types.start)) != UInt8(ascii: "(")
    {
      throw unexpected("multiple exception types must be parenthesized")
    }
  }

  private mutating func asyncHeader(decorators: [NodeID]) throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    switch kind {
    case .kwDef: try functionHeader(from: start, isAsync: true, decorators: decorators)
    case .kwFor where decorators.isEmpty: try forHeader(from: start, isAsync: true)
    case .kwWith where decorators.isEmpty: try withHeader(from: start, isAsync: true)
    default: throw unexpected()
    }
  }

  // MARK: - With

  private mutating func withHeader(from start: UInt32, isAsync: Bool) throws(SyntaxFailure) {
    lexer.advance()
    _ = begin(.withStatement, from: start, flags: isAsync ? 1 : 0)
    if kind == .leftParenthesis, enclosedWithItems() { return try body() }
    repeat { addToHeader(try withItem()) } while accept(.comma)
    try body()
  }

  private mutating func withItem() throws(SyntaxFailure) -> NodeID {
    let start = tokenStart
    let context = try expression(.single)
    let item = add(.withItem, from: Int(start), to: lexer.previousEnd)
    var last: NodeID = 0
    link(context.node, to: item, after: &last)
    if accept(.kwAs) {
      let target = try expression(.withTarget)
      link(target.node, to: item, after: &last)
      try checkTarget(target)
    }
    nodes[Int(item)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    return item
  }

  /// Tries `( item, item as target, … ) :`. Parentheses can also belong to the first item, so that nothing is kept when
  /// the colon does not follow.
  private mutating func enclosedWithItems() -> Bool {
    let mark = lexer.mark
    let known = (nodes.count, salvaged.count, lexer.unclosed)
    var items: [NodeID] = []
    lexer.advance()
    do throws(SyntaxFailure) {
      repeat {
        if kind == .rightParenthesis { break }
        items.append(try withItem())
      } while accept(.comma)
      try expect(.rightParenthesis)
      guard kind == .colon, !items.isEmpty else { throw unexpected() }
    } catch {
      lexer.rewind(to: mark)
      lexer.unclosed = known.2
      nodes.removeLast(nodes.count - known.0)
      salvaged.removeLast(salvaged.count - known.1)
      return false
    }
    for item in items { addToHeader(item) }
    return true
  }

  // MARK: - Match

  /// `match subject:` and a line end; false, with nothing taken, when the word is a name.
  private mutating func matchHeader() throws(SyntaxFailure) -> Bool {
    let mark = lexer.mark
    let known = (nodes.count, salvaged.count, lexer.unclosed)
    lexer.advance()
    guard kind.startsExpression, let subject = try? expression(.subject), kind == .colon else {
      lexer.rewind(to: mark)
      lexer.unclosed = known.2
      nodes.removeLast(nodes.count - known.0)
      salvaged.removeLast(salvaged.count - known.1)
      return false
    }
    let colon = lexer.mark
    lexer.advance()
    guard kind == .newline else {
      lexer.rewind(to: mark)
      nodes.removeLast(nodes.count - known.0)
      return false
    }
    lexer.rewind(to: colon)
    _ = begin(.matchStatement, from: UInt32(truncatingIfNeeded: mark.start))
    addToHeader(subject.node)
    try body()
    return true
  }

  private mutating func caseHeader() throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    _ = begin(.caseClause, from: start)
    inPattern = true
    let pattern = try expression(.pattern)
    inPattern = false
    addToHeader(pattern.node)
    try checkPattern(pattern)
    if kind == .kwIf {
      let guardStart = tokenStart
      lexer.advance()
      let condition = try expression(.named)
      let clause = finish(.guardClause, from: guardStart)
      nodes[Int(clause)].first = condition.node
      addToHeader(clause)
    }
    try body()
  }

  // MARK: - Definitions

  private mutating func decorated() throws(SyntaxFailure) {
    var decorators: [NodeID] = []
    while kind == .at {
      let start = tokenStart
      lexer.advance()
      let expression = try expression(.named)
      let node = finish(.decorator, from: start)
      nodes[Int(node)].first = expression.node
      decorators.append(node)
      completed = decorators
      try expect(.newline)
    }
    completed.removeAll()
    switch kind {
    case .kwDef: try functionHeader(from: tokenStart, isAsync: false, decorators: decorators)
    case .kwClass: try classHeader(decorators: decorators)
    case .kwAsync: try asyncHeader(decorators: decorators)
    default:
      completed = decorators
      throw unexpected()
    }
  }

  private mutating func functionHeader(
    from start: UInt32, isAsync: Bool, decorators: [NodeID]
  ) throws(SyntaxFailure) {
    lexer.advance()
    let name = kind == .name ? currentName() : PythonNames.none
    _ = begin(.functionDefinition, from: start, data: name, flags: isAsync ? 1 : 0)
    for decorator in decorators { addToHeader(decorator) }
    try expect(.name)
    if kind == .leftBracket { addToHeader(try typeParameters()) }
    try parameters()
    if kind == .arrow {
      let arrow = tokenStart
      lexer.advance()
      let type = try expression(.single)
      let node = finish(.returns, from: arrow)
      nodes[Int(node)].first = type.node
      addToHeader(node)
    }
    try body()
  }

  /// `(a, /, b: int = 1, *args, c, **more)`.
  private mutating func parameters() throws(SyntaxFailure) {
    let list = add(.parameters, from: lexer.start, to: lexer.end)
    addToHeader(list)
    try expect(.leftParenthesis)
    var order = ParameterOrder()
    var last: NodeID = 0
    while kind != .rightParenthesis {
      let (parameter, takesDefault) = try parameterStart(&order)
      if parameter != 0 {
        link(parameter, to: list, after: &last)
        var childLast: NodeID = 0
        let isVariadic = nodes[Int(parameter)].flags & ParameterForm.variadic != 0
        if accept(.colon) {
          nodes[Int(parameter)].flags |= ParameterForm.annotation
          link(try expression(isVariadic ? .starred : .single).node, to: parameter, after: &childLast)
        }
        let hasDefault = takesDefault && accept(.equal)
        if hasDefault {
          nodes[Int(parameter)].flags |= ParameterForm.defaultValue
          link(try expression(.single).node, to: parameter, after: &childLast)
        }
        if takesDefault { guard order.takeName(hasDefault: hasDefault) else { throw unexpected() } }
        nodes[Int(parameter)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
      }
      if !accept(.comma) { break }
    }
    guard order.mayEnd else { throw unexpected("named parameters must follow bare *") }
    try expect(.rightParenthesis)
    nodes[Int(list)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
  }

  private mutating func classHeader(decorators: [NodeID]) throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    let name = kind == .name ? currentName() : PythonNames.none
    _ = begin(.classDefinition, from: start, data: name)
    for decorator in decorators { addToHeader(decorator) }
    try expect(.name)
    if kind == .leftBracket { addToHeader(try typeParameters()) }
    if kind == .leftParenthesis { addToHeader(try arguments()) }
    try body()
  }

  /// The bases and keywords of a class, read as a call's arguments are.
  private mutating func arguments() throws(SyntaxFailure) -> NodeID {
    let floor = frames.count
    let list = add(.arguments, from: lexer.start, to: lexer.end)
    frames.append(Frame(kind: .root, start: tokenStart))
    try push(Frame(kind: .call, state: [.takesNamed, .takesStar], start: tokenStart, node: list))
    lexer.advance()
    var current = Operand(node: 0, start: tokenStart)
    var step = Step.operand
    do throws(SyntaxFailure) {
      while frames.count > floor + 1 {
        step = try take(step, &current)
      }
    } catch {
      salvage(from: floor, current)
      throw error
    }
    frames.removeLast(frames.count - floor)
    return list
  }
}
