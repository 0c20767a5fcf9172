/// What stops a statement from being read.
struct SyntaxFailure: Error {
  let offset: Int
  let problem: StaticString
}

/// Reads Python by its grammar, 3.8 to 3.14, into a tree.
///
/// No method calls itself, directly or around: expressions are read by a machine with a stack of frames
/// (``expression(_:)``), blocks by another. A statement that breaks the grammar is noted, and what can be read of it is
/// kept under a `broken` node; reading goes on behind it. Cost is linear in the text.
struct PythonParser {
  var lexer: PythonLexer
  var nodes: [Node] = []
  var names: PythonNames
  /// Constructs of an expression that are open, outermost first.
  var frames: [Frame] = []
  /// Compound statements that are open, outermost first.
  var blocks: [Block] = []
  /// A compound statement whose header is being read, for the case that it breaks.
  var header: Block?
  /// Expressions of the simple statement being read; they have no parent yet.
  var completed: [NodeID] = []
  /// What is left of expressions that broke.
  var salvaged: [NodeID] = []
  /// Patterns are read by the expression machine too.
  var inPattern = false
  var failure: (offset: Int, problem: StaticString)?
  var limit: (name: String, offset: Int)?
  let bounds: Bounds

  /// What one module may take.
  struct Bounds: Sendable {
    /// Nodes of the tree.
    var nodes = 1 << 22
    /// Constructs open in one expression, and blocks open in one another.
    var depth = 1 << 16
  }

  /// An expression that is complete, and where it starts with the parentheses around it.
  struct Operand {
    var node: NodeID
    var start: UInt32
  }

  init(_ text: [UInt8], bounds: Bounds = Bounds()) {
    lexer = PythonLexer(text)
    names = PythonNames(lexer.bytes)
    self.bounds = bounds
    nodes.reserveCapacity(min(bounds.nodes, text.count / 4 + 16))
    nodes.append(Node(start: 0, end: UInt32(truncatingIfNeeded: text.count), data: 0, kind: .module))
  }

  /// The tree of a whole module.
  ///
  /// - Parameter text: UTF-8 without a byte order mark, under 4 GiB.
  static func parse(_ text: [UInt8], bounds: Bounds = Bounds()) -> PythonTree {
    var parser = PythonParser(text, bounds: bounds)
    parser.module()
    let lines = LineTable(parser.lexer.bytes, count: text.count)
    var failure = parser.failure
    if let warning = parser.lexer.warning, warning.offset < failure?.offset ?? .max { failure = warning }
    if !lines.isASCII, let wrong = firstInvalid(text), wrong < failure?.offset ?? .max {
      failure = (wrong, "source code is not UTF-8")
    }
    if let null = lines.firstNull { failure = (null, "source code cannot contain null bytes") }
    return PythonTree(
      bytes: parser.lexer.bytes, nodes: parser.nodes, names: parser.names, lines: lines, failure: failure,
      limit: parser.limit)
  }

  /// Offset of the first byte that is no UTF-8.
  private static func firstInvalid(_ text: [UInt8]) -> Int? {
    do throws(Unicode.UTF8.ValidationError) {
      _ = try UTF8Span(validating: text.span)
      return nil
    } catch { return error.byteOffsets.lowerBound }
  }

  // MARK: - Nodes

  @inline(__always)
  mutating func add(_ kind: NodeKind, from start: Int, to end: Int, data: UInt32 = 0, flags: UInt8 = 0) -> NodeID {
    let number = UInt32(truncatingIfNeeded: nodes.count)
    nodes.append(
      Node(
        start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end), data: data, kind: kind,
        flags: flags))
    return number
  }

  /// A node from `start` to the end of the last token taken.
  @inline(__always)
  mutating func finish(_ kind: NodeKind, from start: UInt32, data: UInt32 = 0, flags: UInt8 = 0) -> NodeID {
    add(kind, from: Int(start), to: lexer.previousEnd, data: data, flags: flags)
  }

  /// Makes `child` the next child of `parent`; `last` is the child before, 0 for none.
  @inline(__always)
  mutating func link(_ child: NodeID, to parent: NodeID, after last: inout NodeID) {
    if last == 0 { nodes[Int(parent)].first = child } else { nodes[Int(last)].next = child }
    last = child
  }

  /// Makes `child` the next child of the node of the frame on top.
  @inline(__always)
  mutating func addToFrame(_ child: NodeID) {
    let at = frames.count - 1
    var last = frames[at].last
    link(child, to: frames[at].node, after: &last)
    frames[at].last = last
  }

  /// Makes `child` the next child of that frame's second node.
  @inline(__always)
  mutating func addToOther(_ child: NodeID) {
    let at = frames.count - 1
    var last = frames[at].otherLast
    link(child, to: frames[at].other, after: &last)
    frames[at].otherLast = last
  }

  /// The current token's name, by number.
  mutating func currentName() -> UInt32 {
    if lexer.isWide {
      let written = String(decoding: lexer.bytes[lexer.start..<lexer.end], as: UTF8.self)
      return names.intern(IdentifierForm.normalized(written))
    }
    return names.intern(lexer.start, lexer.end)
  }

  // MARK: - Tokens

  @inline(__always) var kind: TokenKind { lexer.kind }
  @inline(__always) var tokenStart: UInt32 { UInt32(truncatingIfNeeded: lexer.start) }

  mutating func unexpected(_ problem: StaticString = "invalid syntax") -> SyntaxFailure {
    if lexer.kind == .invalid { return SyntaxFailure(offset: lexer.start, problem: lexer.problem) }
    return SyntaxFailure(offset: lexer.start, problem: problem)
  }

  mutating func expect(_ kind: TokenKind, _ problem: StaticString = "invalid syntax") throws(SyntaxFailure) {
    guard lexer.kind == kind else { throw unexpected(problem) }
    lexer.advance()
  }

  /// Takes the token if it is of this kind.
  mutating func accept(_ kind: TokenKind) -> Bool {
    guard lexer.kind == kind else { return false }
    lexer.advance()
    return true
  }

  /// A name token, taken.
  mutating func identifier() throws(SyntaxFailure) -> UInt32 {
    guard lexer.kind == .name else { throw unexpected() }
    let name = currentName()
    lexer.advance()
    return name
  }

  /// The first thing that is wrong with the module.
  mutating func note(_ failure: SyntaxFailure) {
    if self.failure == nil { self.failure = (failure.offset, failure.problem) }
  }

  mutating func note(_ problem: StaticString, at offset: Int) {
    note(SyntaxFailure(offset: offset, problem: problem))
  }
}
