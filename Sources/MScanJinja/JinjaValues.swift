/// A value of a rendering: what Jinja2 hands about, as far as templates of chat models use it.
indirect enum RenderValue {
  case undefined, none
  case bool(Bool)
  case integer(Int)
  case double(Double)
  case text(String)
  case list([RenderValue])
  /// In the order of its keys, which are texts or numbers written out.
  case dict([(key: String, value: RenderValue)])
  case namespace(Box)
  case macro(Int)
  /// A function of the renderer, by name.
  case function(String)
  /// The body of a `{% call %}`.
  case caller(Int)
  case loop(Box)

  /// Shared values that may be set: a namespace, the state of a loop.
  final class Box {
    var fields: [String: RenderValue]
    init(_ fields: [String: RenderValue] = [:]) { self.fields = fields }
  }

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .double(let value): value != 0
    case .text(let value): !value.isEmpty
    case .list(let items): !items.isEmpty
    case .dict(let pairs): !pairs.isEmpty
    default: true
    }
  }

  var text: String? { if case .text(let value) = self { value } else { nil } }

  var integer: Int? {
    switch self {
    case .integer(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// As `str()` writes it. Bounded by what the run allows for a text.
  func written(depth: Int = 0) -> String {
    switch self {
    case .undefined: ""
    case .none: "None"
    case .bool(let value): value ? "True" : "False"
    case .integer(let value): String(value)
    case .double(let value): String(value)
    case .text(let value): depth == 0 ? value : "'" + value + "'"
    case .list(let items):
      depth > 8 ? "[…]" : "[" + items.map { $0.written(depth: depth + 1) }.joined(separator: ", ") + "]"
    case .dict(let pairs):
      depth > 8
        ? "{…}" : "{" + pairs.map { "'\($0.key)': \($0.value.written(depth: depth + 1))" }.joined(separator: ", ") + "}"
    default: ""
    }
  }

  /// As `tojson` writes it.
  func json(depth: Int = 0) -> String {
    switch self {
    case .undefined, .none: "null"
    case .bool(let value): value ? "true" : "false"
    case .text(let value): Self.quoted(value)
    case .list(let items):
      depth > 8 ? "[]" : "[" + items.map { $0.json(depth: depth + 1) }.joined(separator: ", ") + "]"
    case .dict(let pairs):
      depth > 8
        ? "{}"
        : "{" + pairs.map { "\(Self.quoted($0.key)): \($0.value.json(depth: depth + 1))" }.joined(separator: ", ") + "}"
    default: written()
    }
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  /// `==` of Python, for what templates compare.
  static func areEqual(_ a: RenderValue, _ b: RenderValue) -> Bool {
    if let x = a.integer, let y = b.integer { return x == y }
    switch (a, b) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let x), .text(let y)): return x == y
    case (.double(let x), .double(let y)): return x == y
    case (.double(let x), _): return b.integer.map { Double($0) == x } ?? false
    case (_, .double(let y)): return a.integer.map { Double($0) == y } ?? false
    case (.list(let x), .list(let y)): return x.count == y.count && zip(x, y).allSatisfy { areEqual($0, $1) }
    case (.dict(let x), .dict(let y)):
      return x.count == y.count && zip(x, y).allSatisfy { $0.key == $1.key && areEqual($0.value, $1.value) }
    default: return false
    }
  }

  /// Negative, zero or positive; nil for what Python does not order.
  static func order(_ a: RenderValue, _ b: RenderValue) -> Int? {
    if let x = a.integer, let y = b.integer { return x < y ? -1 : x > y ? 1 : 0 }
    switch (a, b) {
    case (.text(let x), .text(let y)):
      return x == y ? 0 : x.unicodeScalars.lexicographicallyPrecedes(y.unicodeScalars) ? -1 : 1
    case (.double, _), (_, .double):
      guard let x = a.number, let y = b.number else { return nil }
      return x < y ? -1 : x > y ? 1 : 0
    default: return nil
    }
  }

  var number: Double? {
    if case .double(let value) = self { return value }
    return integer.map { Double($0) }
  }
}
