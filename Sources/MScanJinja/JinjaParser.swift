/// Reads a template into a tree. Any tokens are taken: where Jinja2 would stop, a problem is noted, the rest of the tag is
/// read as more expressions, and reading goes on.
///
/// Recursive over blocks, brackets and prefix operators, to ``Bounds/depth``; linear otherwise. Source: `jinja2/parser.py`.
struct JinjaParser {
  struct Bounds: Sendable {
    var nodes: Int
    var depth: Int
  }

  let bounds: Bounds
  var tree: JinjaTree
  var tokens: [JinjaToken]
  var index = 0
  private var depth = 0

  static func parse(_ bytes: [UInt8], bounds: Bounds) -> JinjaTree {
    let (tokens, problems) = JinjaLexer.cut(bytes)
    var parser = JinjaParser(bounds: bounds, tree: JinjaTree(bytes: bytes), tokens: tokens)
    parser.tree.problems = problems
    var parts: [Int] = []
    while parser.token.kind != .end, parser.tree.limit == nil {
      parts += parser.statements(until: [])
      if parser.token.kind == .end { break }
      // An end or a branch without its beginning.
      let stray = parser.index
      parser.problem("\(parser.tokens[min(stray + 1, parser.tokens.count - 1)].text) has no beginning", at: stray)
      parts += parser.restOfTag()
    }
    parser.tree.root = parser.add(.body, 0, bytes.count, children: parts)
    parser.tree.problems.sort { $0.offset < $1.offset }
    return parser.tree
  }

  init(bounds: Bounds, tree: JinjaTree, tokens: [JinjaToken]) {
    self.bounds = bounds
    self.tree = tree
    self.tokens = tokens
  }

  // MARK: Tokens

  var token: JinjaToken { tokens[min(index, tokens.count - 1)] }

  func peek(_ distance: Int) -> JinjaToken { tokens[min(index + distance, tokens.count - 1)] }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  func isSymbol(_ text: String) -> Bool { token.kind == .symbol && token.text == text }

  func isName(_ text: String) -> Bool { token.kind == .name && token.text == text }

  var isTagEnd: Bool { [.outputEnd, .blockEnd, .end].contains(token.kind) }

  mutating func takeSymbol(_ text: String) -> Bool {
    guard isSymbol(text) else { return false }
    advance()
    return true
  }

  mutating func takeName(_ text: String) -> Bool {
    guard isName(text) else { return false }
    advance()
    return true
  }

  mutating func expectSymbol(_ text: String) {
    if !takeSymbol(text) { problem("expected '\(text)'") }
  }

  /// Where the last token that was taken ends.
  var lastEnd: Int { index > 0 ? tokens[index - 1].end : 0 }

  // MARK: Nodes and problems

  mutating func add(
    _ kind: JinjaNode.Kind, _ start: Int, _ end: Int, text: String = "", operators: [String] = [],
    children: [Int] = [], isExact: Bool = true
  ) -> Int {
    if tree.nodes.count >= bounds.nodes { stop("jinjaNodes") }
    tree.nodes.append(
      JinjaNode(
        kind: kind, start: start, end: max(start, end), text: text, operators: operators, children: children,
        isExact: isExact))
    return tree.nodes.count - 1
  }

  mutating func missing() -> Int { add(.missing, token.start, token.start) }

  mutating func problem(_ message: String, at position: Int? = nil) {
    guard tree.limit == nil, tree.problems.count < 64 else { return }
    let offset = tokens[min(position ?? index, tokens.count - 1)].start
    if tree.problems.last?.offset != offset { tree.problems.append(JinjaProblem(message: message, offset: offset)) }
  }

  private mutating func stop(_ name: StaticString) {
    if tree.limit == nil { tree.limit = (name, token.start) }
    index = tokens.count - 1
  }

  /// Runs `body` one level deeper; at the limit, reading ends.
  mutating func deeper(_ body: (inout JinjaParser) -> Int) -> Int {
    guard depth < bounds.depth else {
      stop("jinjaDepth")
      return missing()
    }
    depth += 1
    let node = body(&self)
    depth -= 1
    return node
  }

  // MARK: Bodies

  /// Statements up to a tag named in `ends`, or to any tag that can only end or branch something.
  mutating func statements(until ends: Set<String>) -> [Int] {
    var parts: [Int] = []
    while tree.limit == nil {
      let here = token
      switch here.kind {
      case .end: return parts
      case .data:
        advance()
        parts.append(add(.data, here.start, here.end, text: here.text))
      case .comment:
        advance()
        parts.append(add(.comment, here.start, here.end, text: here.text))
      case .outputStart:
        advance()
        let values = isTagEnd ? [] : expressionsToEnd()
        if values.isEmpty { problem("an output without an expression", at: index) }
        closeTag()
        parts.append(add(.output, here.start, lastEnd, children: values))
      case .blockStart:
        let name = peek(1).kind == .name ? peek(1).text : ""
        if ends.contains(name) || Self.closers.contains(name) { return parts }
        parts.append(deeper { $0.statement() })
      default:
        // Cannot be: a token of a tag outside of one.
        advance()
      }
    }
    return parts
  }

  /// Tags that begin nothing.
  private static let closers: Set<String> = [
    "elif", "else", "endif", "endfor", "endset", "endmacro", "endcall", "endfilter", "endwith", "endblock",
    "endautoescape", "endgeneration", "endtrans", "pluralize", "endraw",
  ]

  mutating func body(until ends: Set<String>) -> Int {
    let start = token.start
    let parts = statements(until: ends)
    return add(.body, start, lastEnd, children: parts)
  }

  /// Takes the tag `name`, which ends a block; a problem when another stands here.
  mutating func endBlock(_ name: String) {
    guard token.kind == .blockStart, peek(1).kind == .name, peek(1).text == name else {
      problem("expected '\(name)'")
      return
    }
    advance()
    advance()
    // `{% endblock name %}` and `{% endmacro %}`: the name is for people.
    if token.kind == .name { advance() }
    closeTag()
  }

  /// The end of a tag; what stands before it is a problem, and is read as more expressions by ``expressionsToEnd()``.
  mutating func closeTag() {
    if token.kind == .end { return }
    if !isTagEnd {
      problem("'\(token.text)' is not expected here")
      while !isTagEnd { advance() }
    }
    if token.kind != .end { advance() }
  }

  /// Everything up to the end of the tag, as expressions.
  mutating func expressionsToEnd() -> [Int] {
    var values: [Int] = []
    while !isTagEnd, tree.limit == nil {
      let before = index
      if !values.isEmpty, !takeSymbol(",") { problem("'\(token.text)' is not expected here") }
      if isTagEnd { break }
      values.append(tuple())
      if index == before { advance() }
    }
    return values
  }

  /// The rest of a tag that makes no sense, read for what is in it.
  mutating func restOfTag() -> [Int] {
    advance()
    if token.kind == .name { advance() }
    let values = expressionsToEnd()
    closeTag()
    return values.isEmpty ? [] : [add(.output, tree[values[0]].start, lastEnd, children: values)]
  }
}
