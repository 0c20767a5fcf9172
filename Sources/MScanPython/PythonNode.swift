import MScanBytes

/// What a node of the tree is. Children are listed in order; `data` is the node's own number.
enum NodeKind: UInt8, Sendable {
  // Expressions.
  /// `data`: name.
  case name
  /// `data`: name of the attribute. Children: the object.
  case attribute
  /// Children: the callee, then arguments, `keyword`, `starred` and `doubleStarred`.
  case call
  /// `data`: name. Children: the value.
  case keyword
  case starred, doubleStarred
  /// Children: the object, the index.
  case item
  /// `data`: bits 0, 1, 2: there is a lower bound, an upper bound, a step. Children: those.
  case slice
  case tuple, list, set
  /// Children: keys and values in turn, or `doubleStarred`.
  case dictionary
  /// `data`: flags of ``StringLiteral`` in the low byte, length of prefix and opening quote above.
  case string
  /// Adjacent literals. Children: `string` and `formatString`.
  case strings
  /// `data`: flags of ``StringLiteral``. Children: `text` and `field`.
  case formatString
  /// A stretch of an f-string's own text, as written. `data`: flags of the f-string.
  case text
  /// `data`: the conversion's letter, or 0; bit 8: `=`. Children: the expression, then `specification`.
  case field
  /// Children: `text` and `field`.
  case specification
  case number
  /// `data`: raw value of the token's kind: True, False, None, `...`.
  case constant
  /// `data`: raw value of the operator's token kind, for the next four.
  case unary, binary, comparison, boolean
  case not, await, yield, yieldFrom
  /// Children: the condition, the value if true, the value if not.
  case conditional
  /// Children: `parameters`, the body.
  case lambda
  /// Children: `name`, the value.
  case namedExpression
  /// Children: the element (two for a dictionary), then `comprehensionFor`.
  case listComprehension, setComprehension, dictionaryComprehension, generator
  /// `data`: 1 when async. Children: the target, the iterable, then conditions.
  case comprehensionFor
  /// Children: `parameter`.
  case parameters
  /// `data`: name. `flags`: ``ParameterForm``. Children: annotation and default as the flags tell.
  case parameter

  // Patterns.
  case classPattern, asPattern

  // Statements.
  case module, block
  case expressionStatement
  /// Children: targets, then the value.
  case assignment
  /// `data`: raw first byte of the operator. Children: the target, the value.
  case augmentedAssignment
  /// Children: the target, the annotation, the value if there is one.
  case annotatedAssignment
  case returnStatement, deleteStatement, raiseStatement, assertStatement
  case passStatement, breakStatement, continueStatement
  /// `data` of each child `name`.
  case globalStatement, nonlocalStatement
  /// Children: `alias`.
  case importStatement
  /// `data`: dotted name of the module, or ``PythonNames/none``. `extra` level in `flags`. Children: `alias`.
  case importFromStatement
  /// `data`: dotted name, or `*`. Children: `name` when there is an `as`.
  case alias
  /// Children: the condition, `block`, then `elifClause` and `elseClause`.
  case ifStatement
  case elifClause, elseClause
  case whileStatement
  /// `flags`: 1 when async. Children: the target, the iterable, `block`, `elseClause`.
  case forStatement
  case tryStatement
  /// `data`: name bound, or none. Children: the type if there is one, `block`.
  case exceptClause
  case finallyClause
  /// `flags`: 1 when async. Children: `withItem`, `block`.
  case withStatement
  /// Children: the context, the target if there is one.
  case withItem
  /// `data`: name. `flags`: 1 when async. Children: `decorator`, `typeParameters`, `parameters`, `returns`, `block`.
  case functionDefinition
  /// `data`: name. Children: `decorator`, `typeParameters`, `arguments`, `block`.
  case classDefinition
  case decorator, typeParameters, returns, arguments
  /// `data`: name.
  case typeParameter
  case matchStatement
  /// Children: the pattern, `guardClause` if there is one, `block`.
  case caseClause
  case guardClause
  /// `data`: name. Children: `typeParameters`, the value.
  case typeAlias
  /// What could be read of a statement that breaks the grammar.
  case broken
}

/// How a parameter stands in its list.
struct ParameterForm {
  static let annotation: UInt8 = 1
  static let defaultValue: UInt8 = 2
  static let variadic: UInt8 = 4
  static let keywords: UInt8 = 8
}

/// A node: 24 bytes. Links are indices into the tree; 0, the module, is nobody's child and stands for none.
struct Node: Sendable {
  /// Byte offsets in the text.
  var start: UInt32
  var end: UInt32
  var data: UInt32
  var first: UInt32 = 0
  var next: UInt32 = 0
  var kind: NodeKind
  var flags: UInt8 = 0
}

typealias NodeID = UInt32

/// The tree of one module, and the text it was read from. A class, so that all who ask have the same one and nothing of
/// it is copied.
final class PythonTree: Sendable {
  /// The decoded text, with four zero bytes behind it.
  let bytes: [UInt8]
  let nodes: [Node]
  let names: PythonNames
  let lines: LineTable
  /// The first thing that CPython would refuse; nil for a module it takes.
  let failure: (offset: Int, problem: StaticString)?
  /// A bound that was reached, so that the tree is not whole.
  let limit: (name: String, offset: Int)?

  init(
    bytes: [UInt8], nodes: [Node], names: PythonNames, lines: LineTable, failure: (offset: Int, problem: StaticString)?,
    limit: (name: String, offset: Int)?
  ) {
    (self.bytes, self.nodes, self.names, self.lines) = (bytes, nodes, names, lines)
    (self.failure, self.limit) = (failure, limit)
  }

  subscript(id: NodeID) -> Node { nodes[Int(id)] }

  /// Children of a node, in order.
  func children(of id: NodeID) -> ChildList { ChildList(nodes: nodes, upcoming: nodes[Int(id)].first) }

  struct ChildList: Sequence, IteratorProtocol {
    let nodes: [Node]
    fileprivate var upcoming: UInt32
    mutating func next() -> NodeID? {
      guard upcoming != 0 else { return nil }
      let current = upcoming
      upcoming = nodes[Int(current)].next
      return current
    }
  }

  /// The same as a list.
  func childList(of id: NodeID) -> [NodeID] {
    var found: [NodeID] = []
    var count = 0
    var next = nodes[Int(id)].first
    while next != 0 {
      count += 1
      next = nodes[Int(next)].next
    }
    found.reserveCapacity(count)
    next = nodes[Int(id)].first
    while next != 0 {
      found.append(next)
      next = nodes[Int(next)].next
    }
    return found
  }

  /// The next node beside one; 0 for none.
  func next(after id: NodeID) -> NodeID { nodes[Int(id)].next }

  /// The first argument of a call as it stands there; 0 for none.
  func firstArgument(of call: NodeID) -> NodeID {
    let callee = nodes[Int(call)].first
    return callee == 0 ? 0 : nodes[Int(callee)].next
  }

  /// What an argument hands on: of `name=value` the value; 0 for none.
  func value(ofArgument argument: NodeID) -> NodeID {
    let node = nodes[Int(argument)]
    return node.kind == .keyword ? node.first : argument
  }

  /// What a call is given, in order: of `name=value` the value.
  func given(to call: NodeID) -> [NodeID] {
    var found: [NodeID] = []
    var next = firstArgument(of: call)
    while next != 0 {
      let given = value(ofArgument: next)
      if given != 0 { found.append(given) }
      next = self.next(after: next)
    }
    return found
  }

  /// The name that a callee ends in; ``PythonNames/none`` for what is no name.
  func lastName(of callee: NodeID) -> UInt32 {
    let node = nodes[Int(callee)]
    return node.kind == .name || node.kind == .attribute ? node.data : PythonNames.none
  }

  /// Whether reading an attribute calls a function.
  func isProperty(_ function: NodeID) -> Bool {
    children(of: function).contains { child in
      guard self[child].kind == .decorator, let name = dotted(self[child].first) else { return false }
      return ["property", "cached_property", "functools.cached_property", "classproperty"].contains(name)
    }
  }

  /// `a.b.c` when the expression is names and attributes alone.
  func dotted(_ id: NodeID) -> String? {
    var parts: [String] = []
    var at = id
    while self[at].kind == .attribute {
      parts.append(names.text(self[at].data))
      at = self[at].first
    }
    guard self[at].kind == .name else { return nil }
    parts.append(names.text(self[at].data))
    return parts.reversed().joined(separator: ".")
  }
}

/// Lines of a text: `\n`, `\r\n` and `\r` end one.
struct LineTable: Sendable {
  /// Offset of each line's first byte.
  private(set) var starts: [UInt32] = [0]
  /// Offset of the first zero byte.
  private(set) var firstNull: Int?
  /// Whether every byte is ASCII.
  private(set) var isASCII = true

  /// - Parameter count: bytes of the text; four more follow it.
  init(_ bytes: [UInt8], count: Int) {
    starts.reserveCapacity(count / 32 + 1)
    let text = bytes.span
    let (low, high): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    var seen: UInt64 = 0
    var at = 0
    while at < count {
      let room = count &- at
      // Behind the end stand blanks.
      let word =
        room >= 8
        ? text.word(at: at) ?? 0
        : text.shortWord(at: at, count: room) | (low &* 0x20) &<< UInt64(truncatingIfNeeded: room &* 8)
      seen |= word
      // The high bit of each byte below 0x0e, and of some others behind one.
      var found = (word &- low &* 0x0e) & ~word & high
      while found != 0 {
        take(at &+ found.trailingZeroBitCount &>> 3, text)
        found &= found &- 1
      }
      at &+= 8
    }
    isASCII = seen & high == 0
  }

  private mutating func take(_ at: Int, _ text: Span<UInt8>) {
    switch text[at] {
    case 0x0a: starts.append(UInt32(truncatingIfNeeded: at &+ 1))
    case 0x0d where at &+ 1 >= text.count || text[at &+ 1] != 0x0a: starts.append(UInt32(truncatingIfNeeded: at &+ 1))
    case 0 where firstNull == nil: firstNull = at
    default: break
    }
  }

  /// Line from 1, column from 0 in bytes.
  func position(of offset: UInt32) -> (line: Int, column: Int) {
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= offset { low = middle } else { high = middle }
    }
    return (low + 1, Int(offset) - Int(starts[low]))
  }
}
