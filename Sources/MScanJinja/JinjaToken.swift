/// A piece of a template, as Jinja2's lexer cuts it. Offsets are bytes of the template.
struct JinjaToken: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    /// Text between tags, `raw` blocks included.
    case data
    /// `{{`, `{%` and their ends.
    case outputStart, outputEnd, blockStart, blockEnd
    /// `{# … #}`.
    case comment
    case name, string, number, symbol
    /// A character that no token starts with.
    case stray
    case end
  }

  var kind: Kind
  var start: Int
  var end: Int
  /// The name, the operator, the digits, the text as rendered, the string without quotes and escapes.
  var text: String
  /// Of a string: whether every escape in it was understood.
  var isExact = true
}

/// Why Jinja2 would refuse a template.
struct JinjaProblem: Sendable, Hashable {
  var message: String
  var offset: Int
}
