/// A node of a template's tree. Nodes lie in one array and name one another by index; chains of operators, of steps and
/// of branches are one node each, so that the tree is no deeper than ``Limits/jinjaDepth`` brackets and blocks.
struct JinjaNode: Sendable {
  enum Kind: Sendable {
    // Statements.
    case body
    /// Text, as rendered.
    case data
    /// `{{ … }}`: expressions.
    case output
    case comment
    /// Condition and body in turn, then perhaps the body of `else`.
    case branches
    /// Target, iterated, body, then `else` and the filter, each `missing` when it is not there.
    case loop
    /// Target and value.
    case set
    /// Target and body; `steps` are filters over the body.
    case setBlock
    /// Parameters, then the body; `name` is the macro's.
    case macro
    /// The call, parameters, then the body.
    case callBlock
    /// A postfix node over the body.
    case filterBlock
    /// Target and value in turn, then the body.
    case with
    case block
    /// `include`, `import`, `from`, `extends`: `name` says which; the template's name, then what is taken from it.
    case load
    /// `do`, `autoescape`, `generation`, `trans` and tags that are not known: expressions and bodies; `name` is the tag's.
    case tag
    case jump
    // Expressions.
    case name, string, number, constant, list, tuple
    /// Keys and values in turn.
    case dict
    /// Operands; `operators` stand between them: `+ - * / // % ** ~`, comparisons, `and`, `or`.
    case chain
    /// `not`, `-`, `+`.
    case unary
    /// Value, condition, and what else.
    case conditional
    /// A value and its steps.
    case postfix
    // Steps.
    case attribute
    /// An index, or a slice.
    case subscripted
    case slice
    case call
    case filter
    /// `name` is the test's; `operators` has `not` when it is turned around.
    case test
    /// An argument with a name.
    case keyword
    /// `*x`, `**x`.
    case spread
    /// A parameter and its default.
    case parameter
    case missing
  }

  var kind: Kind
  var start: Int
  var end: Int
  /// A name, or a text.
  var text = ""
  var operators: [String] = []
  var children: [Int] = []
  /// Of strings: whether ``text`` is all that it is.
  var isExact = true
}

/// A parsed template.
struct JinjaTree: Sendable {
  let bytes: [UInt8]
  var nodes: [JinjaNode] = []
  var root = 0
  /// What Jinja2 would refuse, in order of place.
  var problems: [JinjaProblem] = []
  /// Tags that Jinja2 and transformers do not have.
  var unknownTags: [JinjaProblem] = []
  /// Name of the limit that was hit, and where.
  var limit: (name: StaticString, offset: Int)?

  subscript(_ index: Int) -> JinjaNode {
    nodes.indices.contains(index) ? nodes[index] : JinjaNode(kind: .missing, start: 0, end: 0)
  }

  /// The source of a node, at most `limit` characters of it, on one line.
  func excerpt(_ index: Int, limit: Int) -> String {
    let node = self[index]
    let start = min(node.start, bytes.count)
    let end = min(max(start, node.end), bytes.count)
    let text = String(decoding: bytes[start..<min(end, start + 4 * limit)], as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    let short = String(line.unicodeScalars.prefix(limit))
    return short.unicodeScalars.count < line.unicodeScalars.count || end - start > 4 * limit ? short + "…" : short
  }
}
