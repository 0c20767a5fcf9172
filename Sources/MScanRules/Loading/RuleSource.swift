public import MScanFacts

/// A rule as its file states it, with the place of every field.
public struct RuleSource: Sendable {
  public var file: String
  public var descriptor: RuleDescriptor
  /// Empty for an `otherwise` rule.
  public var subjects: [Located]
  /// The rule for what no other rule of its kind names.
  public var otherwise: Bool
  /// Conditions as written.
  public var conditions: [Located]
  /// Field name to the place of its key. A field that is not here was left out.
  public var places: [String: SourcePosition]
  /// All must hold.
  var allOf: [Condition] = []
  /// None may hold.
  var noneOf: [Condition] = []

  func place(of field: String) -> SourcePosition { places[field] ?? .start }
}

/// Names that are known to do no harm, with the reason; or names that one loader accepts, whatever they do.
public struct AllowSource: Sendable {
  public var file: String
  public var position: SourcePosition
  public var kind: FactKind
  public var library: String
  public var reason: String
  /// Exact names and `x.*`.
  public var names: [Located]
  /// Constructs that may use the name; any, if empty. Naming it is always allowed.
  public var via: [String]
  /// The loader that accepts the names and refuses all others; empty for names that are allowed. What a loader accepts
  /// allows nothing by itself.
  public var loader = ""
}

/// A name in a rule: exact, everything below a name, or everything.
enum NamePattern: Hashable {
  case exact(String)
  /// `x.*`, held as `x`.
  case below(String)
  /// `*`.
  case any

  /// Nil with the words for what is wrong.
  static func read(_ text: String) -> Result<NamePattern, PatternProblem> {
    if text == "*" { return .success(.any) }
    let isPrefix = text.hasSuffix(".*")
    let name = isPrefix ? String(text.dropLast(2)) : text
    if name.isEmpty { return .failure(PatternProblem(message: "an empty name")) }
    if name.utf8.count > 512 { return .failure(PatternProblem(message: "a name longer than 512 bytes")) }
    if name.utf8.contains(UInt8(ascii: "*")) {
      return .failure(
        PatternProblem(
          message: "\(Printable.quoted(text)): \"*\" stands alone, or ends a name as in \"x.*\""))
    }
    return .success(isPrefix ? .below(name) : .exact(name))
  }

  struct PatternProblem: Error, Hashable { var message: String }
}

extension FactKind {
  /// Place in `allCases`.
  var ordinal: Int {
    switch self {
    case .artifact: 0
    case .member: 1
    case .callable: 2
    case .value: 3
    case .operation: 4
    case .tensor: 5
    case .template: 6
    case .reference: 7
    case .text: 8
    case .provenance: 9
    case .lineage: 10
    case .anomaly: 11
    case .token: 12
    }
  }

  /// What a rule's message may name in braces.
  public var placeholders: [String] {
    let own = attributes.contains("subject") ? attributes : attributes + ["subject"]
    return self == .callable ? own + ["library"] : own
  }
}
