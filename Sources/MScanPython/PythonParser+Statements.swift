/// A compound statement that is open.
struct Block {
  /// Which clause's body is being read.
  var clause: NodeKind
  /// The statement, and its last child.
  var node: NodeID
  var last: NodeID
  /// The node that the body belongs to: the statement or one of its clauses; and its last child.
  var owner: NodeID
  var ownerLast: NodeID
  /// The body, and its last child.
  var body: NodeID = 0
  var bodyLast: NodeID = 0
  /// No statement of it is left: a clause may follow.
  var isFinished = false
  /// A `try` that has handlers.
  var hasHandler = false
}

extension PythonParser {
  /// Reads the whole module. One turn of the loop takes one logical line at least, or closes a block.
  mutating func module() {
    blocks = [Block(clause: .module, node: 0, last: 0, owner: 0, ownerLast: 0)]
    lexer.advance()
    while let block = blocks.last {
      if block.isFinished {
        closeBlock()
        continue
      }
      switch kind {
      case .endOfFile:
        guard blocks.count > 1 else { return }
        blocks[blocks.count - 1].isFinished = true
      case .dedent:
        lexer.advance()
        if blocks.count > 1 { blocks[blocks.count - 1].isFinished = true }
      case .indent:
        note("unexpected indent", at: lexer.start)
        lexer.advance()
        openStrayBlock()
      case .newline: lexer.advance()
      default: statement()
      }
    }
  }

  /// Adds a statement to the open block.
  mutating func attach(_ statement: NodeID) {
    guard statement != 0 else { return }
    let at = blocks.count - 1
    var last = blocks[at].bodyLast
    link(statement, to: blocks[at].body, after: &last)
    blocks[at].bodyLast = last
  }

  private mutating func statement() {
    completed.removeAll(keepingCapacity: true)
    guard nodes.count < bounds.nodes, blocks.count < bounds.depth else {
      if limit == nil { limit = (nodes.count < bounds.nodes ? "pythonDepth" : "pythonNodes", lexer.start) }
      skipLine()
      return
    }
    if !compoundStatement() { simpleLine() }
  }

  /// Passes over a logical line that is not read.
  private mutating func skipLine() {
    while kind != .newline, kind != .endOfFile { lexer.advance() }
  }

  // MARK: - Simple statements

  /// Statements between semicolons, to the end of the line.
  mutating func simpleLine() {
    while true {
      do throws(SyntaxFailure) {
        try simpleStatement()
        if accept(.semicolon) {
          if accept(.newline) { return }
          continue
        }
        guard accept(.newline) else { throw unexpected() }
        return
      } catch {
        note(error)
        recover()
        return
      }
    }
  }

  /// An expression of a simple statement: kept aside, in case the statement breaks behind it.
  private mutating func value(_ mode: Mode) throws(SyntaxFailure) -> Operand {
    let operand = try expression(mode)
    completed.append(operand.node)
    return operand
  }

  private mutating func simpleStatement() throws(SyntaxFailure) {
    completed.removeAll(keepingCapacity: true)
    let start = tokenStart
    switch kind {
    case .kwPass, .kwBreak, .kwContinue:
      let form: NodeKind = kind == .kwPass ? .passStatement : kind == .kwBreak ? .breakStatement : .continueStatement
      lexer.advance()
      attach(finish(form, from: start))
    case .kwReturn:
      lexer.advance()
      if kind.startsExpression { _ = try value(.many) }
      attachCompleted(.returnStatement, from: start)
    case .kwRaise:
      lexer.advance()
      if kind.startsExpression {
        _ = try value(.single)
        if accept(.kwFrom) { _ = try value(.single) }
      }
      attachCompleted(.raiseStatement, from: start)
    case .kwAssert:
      lexer.advance()
      _ = try value(.single)
      if accept(.comma) { _ = try value(.single) }
      attachCompleted(.assertStatement, from: start)
    case .kwDel:
      lexer.advance()
      try checkTarget(try value(.many), starred: false)
      attachCompleted(.deleteStatement, from: start)
    case .kwGlobal, .kwNonlocal: try nameList(kind == .kwGlobal ? .globalStatement : .nonlocalStatement)
    case .kwImport: try importStatement()
    case .kwFrom: try importFromStatement()
    case .name where lexer.word == SoftKeyword.type && isTypeAlias(): try typeAlias()
    default: try expressionStatement()
    }
  }

  /// A statement whose children are the expressions read for it.
  private mutating func attachCompleted(_ kind: NodeKind, from start: UInt32, data: UInt32 = 0, flags: UInt8 = 0) {
    let node = finish(kind, from: start, data: data, flags: flags)
    var last: NodeID = 0
    for child in completed { link(child, to: node, after: &last) }
    completed.removeAll(keepingCapacity: true)
    attach(node)
  }

  private mutating func expressionStatement() throws(SyntaxFailure) {
    let start = tokenStart
    var operand = try value(.value)
    switch kind {
    case .equal:
      while accept(.equal) {
        try checkTarget(operand)
        operand = try value(.value)
      }
      attachCompleted(.assignment, from: start)
    case .augmentedAssignment:
      guard isSingleTarget(operand) else { throw unexpected("illegal expression for augmented assignment") }
      let sign = UInt32(lexer.byte(lexer.start))
      lexer.advance()
      _ = try value(.value)
      attachCompleted(.augmentedAssignment, from: start, data: sign)
    case .colon:
      guard isSingleTarget(operand) else { throw unexpected("illegal target for annotation") }
      lexer.advance()
      _ = try value(.single)
      if accept(.equal) { _ = try value(.value) }
      attachCompleted(.annotatedAssignment, from: start)
    default: attachCompleted(.expressionStatement, from: start)
    }
  }

  private mutating func nameList(_ form: NodeKind) throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    repeat {
      let nameStart = tokenStart
      let name = try identifier()
      completed.append(finish(.name, from: nameStart, data: name))
    } while accept(.comma)
    attachCompleted(form, from: start)
  }

  // MARK: - Type aliases

  /// Whether the soft keyword `type` starts an alias: a name follows on its line, which nothing else allows.
  private mutating func isTypeAlias() -> Bool {
    let mark = lexer.mark
    lexer.advance()
    let follows = kind == .name
    lexer.rewind(to: mark)
    return follows
  }

  private mutating func typeAlias() throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    let name = try identifier()
    if kind == .leftBracket { completed.append(try typeParameters()) }
    try expect(.equal)
    _ = try value(.single)
    attachCompleted(.typeAlias, from: start, data: name)
  }

  /// `[T: bound = default, *Ts, **P]`.
  mutating func typeParameters() throws(SyntaxFailure) -> NodeID {
    let list = add(.typeParameters, from: lexer.start, to: lexer.end)
    completed.append(list)
    defer { completed.removeAll { $0 == list } }
    var last: NodeID = 0
    try expect(.leftBracket)
    repeat {
      if last != 0, kind == .rightBracket { break }
      let start = tokenStart
      let isPlain = !accept(.star) && !accept(.doubleStar)
      let parameter = add(.typeParameter, from: Int(start), to: lexer.end, data: try identifier())
      link(parameter, to: list, after: &last)
      var childLast: NodeID = 0
      if isPlain, accept(.colon) { link(try expression(.single).node, to: parameter, after: &childLast) }
      if accept(.equal) { link(try expression(.starred).node, to: parameter, after: &childLast) }
      nodes[Int(parameter)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    } while accept(.comma)
    try expect(.rightBracket)
    nodes[Int(list)].end = UInt32(truncatingIfNeeded: lexer.previousEnd)
    return list
  }

  // MARK: - Imports

  private mutating func importStatement() throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    repeat {
      let nameStart = tokenStart
      let name = try dottedName()
      try alias(name, from: nameStart)
    } while accept(.comma)
    attachCompleted(.importStatement, from: start)
  }

  private mutating func importFromStatement() throws(SyntaxFailure) {
    let start = tokenStart
    lexer.advance()
    var level = 0
    while kind == .dot || kind == .ellipsis {
      level += kind == .dot ? 1 : 3
      lexer.advance()
    }
    var module = PythonNames.none
    if level == 0 || kind == .name { module = try dottedName() }
    try expect(.kwImport)
    let flags = UInt8(clamping: level)
    if kind == .star {
      let nameStart = tokenStart
      let name = names.intern(lexer.start, lexer.end)
      lexer.advance()
      completed.append(finish(.alias, from: nameStart, data: name))
      return attachCompleted(.importFromStatement, from: start, data: module, flags: flags)
    }
    let isEnclosed = accept(.leftParenthesis)
    repeat {
      if isEnclosed, !completed.isEmpty, kind == .rightParenthesis { break }
      let nameStart = tokenStart
      let name = try identifier()
      try alias(name, from: nameStart)
    } while accept(.comma)
    if isEnclosed { try expect(.rightParenthesis) }
    attachCompleted(.importFromStatement, from: start, data: module, flags: flags)
  }

  private mutating func alias(_ name: UInt32, from start: UInt32) throws(SyntaxFailure) {
    var target: NodeID = 0
    if accept(.kwAs) {
      let nameStart = tokenStart
      let name = try identifier()
      target = finish(.name, from: nameStart, data: name)
    }
    let node = finish(.alias, from: start, data: name)
    nodes[Int(node)].first = target
    completed.append(node)
  }

  /// `a.b.c`, as one name.
  private mutating func dottedName() throws(SyntaxFailure) -> UInt32 {
    let start = lexer.start
    var number = try identifier()
    guard kind == .dot else { return number }
    var parts = [number]
    var length = lexer.previousEnd - start
    var isPlain = !lexer.bytes[start..<lexer.previousEnd].contains { $0 >= 0x80 }
    while accept(.dot) {
      if lexer.isWide { isPlain = false }
      length += 1 + lexer.end - lexer.start
      parts.append(try identifier())
    }
    if isPlain, lexer.previousEnd - start == length {
      number = names.intern(start, lexer.previousEnd)
    } else {
      number = names.intern(parts.map { names.text($0) }.joined(separator: "."))
    }
    return number
  }

  // MARK: - Broken lines

  /// Behind a failure: keeps what was read, then reads on at every token that can start an expression, to the end of
  /// the logical line. A word that only starts statements, first on its own line, ends it in open brackets too.
  mutating func recover() {
    inPattern = false
    salvaged = completed + salvaged
    completed.removeAll(keepingCapacity: true)
    attach(takeSalvaged())
    while true {
      switch kind {
      case .newline:
        lexer.advance()
        return
      case .endOfFile, .indent, .dedent: return
      default:
        if lexer.startsLine, kind.startsStatementOnly {
          lexer.restartStatement()
          return
        }
        let before = lexer.start
        if kind.startsExpression, nodes.count < bounds.nodes {
          do throws(SyntaxFailure) {
            let operand = try expression(.value)
            salvaged.append(operand.node)
          } catch {}
          attach(takeSalvaged())
        }
        if lexer.start <= before, kind != .newline { lexer.advance() }
      }
    }
  }

  mutating func openStrayBlock() {
    let node = add(.block, from: lexer.start, to: lexer.start)
    attach(node)
    blocks.append(Block(clause: .block, node: node, last: 0, owner: node, ownerLast: 0, body: node))
  }
}

/// Words that are keywords where they stand, packed as ``PythonLexer/word``.
enum SoftKeyword {
  static let match: UInt64 = 0x68_6374_616d
  static let `case`: UInt64 = 0x6573_6163
  static let type: UInt64 = 0x6570_7974
}
