extension PythonParser {
  /// A literal; with more beside it they gather under one node, whose frame is on top for the second and later ones.
  mutating func strings(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    if kind == .formatString { return try openFormatString(&current) }
    return try endLiteral(plainString(), &current)
  }

  private var isLiteral: Bool { kind == .string || kind == .formatString }

  /// A literal is complete. When one follows, it is read as the next operand.
  private mutating func endLiteral(_ piece: NodeID, _ current: inout Operand) throws(SyntaxFailure) -> Step {
    let start = nodes[Int(piece)].start
    if top.kind == .strings {
      let at = frames.count - 1
      let first = nodes[Int(nodes[Int(frames[at].node)].first)]
      if Self.isBytes(first) != Self.isBytes(nodes[Int(piece)]) {
        note("cannot mix bytes and nonbytes literals", at: Int(start))
      }
      addToFrame(piece)
      if isLiteral { return .operand }
      let frame = frames.removeLast()
      nodes[Int(frame.node)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
      current = Operand(node: frame.node, start: frame.start)
      return .operation
    }
    guard isLiteral else {
      current = Operand(node: piece, start: start)
      return .operation
    }
    let node = add(.strings, from: Int(start), to: lexer.previousEnd)
    var last: NodeID = 0
    link(piece, to: node, after: &last)
    try push(Frame(kind: .strings, start: start, node: node, last: last))
    return .operand
  }

  /// The current literal, taken.
  private mutating func plainString() -> NodeID {
    let literal = lexer.literal
    let opening = UInt32(truncatingIfNeeded: literal.textStart - lexer.start)
    let node = add(.string, from: lexer.start, to: lexer.end, data: opening << 8 | UInt32(literal.flags))
    lexer.advance()
    return node
  }

  private static func isBytes(_ node: Node) -> Bool {
    node.kind == .string && UInt8(truncatingIfNeeded: node.data) & StringLiteral.bytes != 0
  }

  // MARK: - F-strings

  private mutating func openFormatString(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    let literal = lexer.literal
    if literal.isTriple, lexer.isKnownUnclosed(literal.quote) { throw unexpected("unterminated triple-quoted string") }
    let node = add(.formatString, from: lexer.start, to: lexer.end, data: UInt32(literal.flags))
    try push(
      Frame(
        kind: .formatString, start: tokenStart, node: node, other: UInt32(literal.flags),
        before: UInt32(truncatingIfNeeded: lexer.nesting)))
    return try formatText(&current)
  }

  /// Reads text of the f-string or specification on top, up to an operand or to the end of the literal.
  private mutating func formatText(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    while true {
      let at = frames.count - 1
      let isSpecification = frames[at].kind == .specification
      let flags = UInt8(truncatingIfNeeded: frames[at].other)
      let literal = StringLiteral(flags: flags)
      let textStart = lexer.position
      let found = lexer.formatText(of: literal, inSpecification: isSpecification)
      var textEnd = lexer.position
      switch found {
      case .field: textEnd -= 1
      case .quote: textEnd -= literal.quoteLength
      default: break
      }
      if textEnd > textStart {
        let text = add(.text, from: textStart, to: textEnd, data: UInt32(flags))
        addToFrame(text)
      }
      lexer.end = lexer.position
      switch found {
      case .field:
        let field = add(.field, from: textEnd, to: textEnd + 1)
        addToFrame(field)
        lexer.nesting += 1
        try push(
          Frame(
            kind: .field, state: [.takesTuple, .takesStar, .takesYield], start: UInt32(truncatingIfNeeded: textEnd),
            node: field, last: 0))
        lexer.advance()
        return .operand
      case .specificationEnd:
        lexer.position += 1
        lexer.end = lexer.position
        if lexer.nesting > 0 { lexer.nesting -= 1 }
        let frame = frames.removeLast()
        nodes[Int(frame.node)].end = UInt32(truncatingIfNeeded: textEnd)
        endField()
      case .quote:
        lexer.end = lexer.position
        let frame = frames.removeLast()
        nodes[Int(frame.node)].end = UInt32(truncatingIfNeeded: lexer.position)
        lexer.advance()
        return try endLiteral(frame.node, &current)
      case .unterminated, .straySingleBrace:
        throw brokenFormat(literal, from: Int(frames[at].start), isUnterminated: found == .unterminated)
      }
    }
  }

  /// Where reading goes on behind a broken f-string: behind its opening quotes when it has no end at all.
  private mutating func brokenFormat(_ literal: StringLiteral, from start: Int, isUnterminated: Bool) -> SyntaxFailure {
    let failure = SyntaxFailure(
      offset: lexer.position,
      problem: isUnterminated ? "unterminated f-string literal" : "f-string: single '}' is not allowed")
    if isUnterminated, lexer.position >= lexer.count, literal.isTriple {
      lexer.noteUnclosed(literal.quote)
      lexer.position = min(start + literal.quoteLength, lexer.count)
    } else if !isUnterminated {
      lexer.position += 1
    }
    lexer.start = lexer.position
    lexer.end = lexer.position
    lexer.advance()
    return failure
  }

  /// The expression of the field on top is complete.
  private mutating func takeFieldValue(_ current: inout Operand) {
    joinTuple(&current)
    guard current.node != 0 else { return }
    addToFrame(current.node)
    current.node = 0
  }

  /// `!r` behind the expression.
  mutating func conversion(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    takeFieldValue(&current)
    lexer.advance()
    guard kind == .name, lexer.end - lexer.start == 1 else { throw unexpected() }
    let letter = lexer.byte(lexer.start)
    guard letter == UInt8(ascii: "r") || letter == UInt8(ascii: "s") || letter == UInt8(ascii: "a") else {
      throw unexpected("f-string: invalid conversion character")
    }
    nodes[Int(top.node)].data |= UInt32(letter)
    lexer.advance()
    switch kind {
    case .colon, .colonEqual: return try specification(&current)
    case .rightBrace: return try closeField(&current)
    default: throw unexpected()
    }
  }

  /// `:` behind the expression: the specification's text starts right behind it.
  mutating func specification(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    takeFieldValue(&current)
    lexer.position = lexer.start + 1
    let at = frames.count - 1
    let node = add(.specification, from: lexer.position, to: lexer.position)
    addToFrame(node)
    let flags = formatFlags(below: at)
    try push(Frame(kind: .specification, start: tokenStart, node: node, other: flags))
    return try formatText(&current)
  }

  /// Flags of the literal that a field stands in: the frame right below it.
  private func formatFlags(below at: Int) -> UInt32 { at > 0 ? frames[at - 1].other : 0 }

  mutating func closeField(_ current: inout Operand) throws(SyntaxFailure) -> Step {
    takeFieldValue(&current)
    guard nodes[Int(top.node)].first != 0 else { throw unexpected("f-string: valid expression required") }
    endField()
    return try formatText(&current)
  }

  /// Takes the `}`: its field is complete.
  private mutating func endField() {
    let frame = frames.removeLast()
    nodes[Int(frame.node)].end = UInt32(truncatingIfNeeded: lexer.end)
  }
}
