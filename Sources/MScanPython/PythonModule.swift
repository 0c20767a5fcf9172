public import MScanBytes
public import MScanFacts

/// One module as what loads it sees it: what it imports, what it calls, what its names stand for, and when each of its
/// functions runs. The modules of a model's folder are held together by whoever knows where loading starts.
public struct PythonModule {
  /// When code runs, from last to first.
  public enum Moment: Int, Sendable, Comparable {
    case call, forward, construction, `import`

    public var text: String {
      switch self {
      case .call: "call"
      case .forward: "forward"
      case .construction: "construction"
      case .import: "import"
      }
    }

    /// The text alone in a list.
    public var list: [String] { Self.lists[min(rawValue, Self.lists.count - 1)] }

    private static let lists: [[String]] = [["call"], ["forward"], ["construction"], ["import"]]

    public init?(_ text: String) {
      switch text {
      case "call": self = .call
      case "forward": self = .forward
      case "construction": self = .construction
      case "import": self = .import
      default: return nil
      }
    }

    public static func < (a: Moment, b: Moment) -> Bool { a.rawValue < b.rawValue }
  }

  /// A call, or an import, of something that the module itself does not define.
  public struct Outgoing: Sendable {
    /// Dotted names of what it can be, with leading dots as an import writes them.
    public var targets: [String]
    /// An import rather than a call.
    public var isImport: Bool
    /// The function whose code it is; empty at the level of the module.
    public var function: String
    public var moment: Moment
    /// From 1; column from 0 in UTF-8 bytes.
    public var line: Int
    public var column: Int
    /// Texts that the first argument comes to; nil when it could be anything.
    public var firstTexts: [String]?
  }

  /// What a name at the level of the module stands for.
  public enum Meaning: Sendable, Hashable {
    case path(String)
    /// A function or a class of the module itself.
    case own
  }

  private var statements: PythonStatements
  /// Whether all of the source was read and understood, or CPython would not run it; of another module nothing is
  /// certain.
  public let isComplete: Bool

  /// Reads source text. Cost: that of ``PythonFormat``.
  public init(_ source: ByteSource, name: String, limits: Limits) {
    let reading = PythonReading(source, limits: limits)
    let notes = PythonNotes(artifact: 0, size: source.count)
    statements = PythonStatements(
      tree: reading.tree, input: ArtifactInput(index: 0, source: source, name: name, limits: limits), notes: notes)
    statements.lookAhead()
    isComplete = reading.isWhole && statements.resolver.limit == nil
  }

  /// Every import, and every call of something importable, in the order of their places.
  public mutating func outgoing() -> [Outgoing] { statements.outgoing() }

  /// What the module binds a name to, at its own level.
  public mutating func meanings(of name: String) -> [Meaning] { statements.meanings(of: name) }

  /// Something outside calls a function of the module or makes an object of a class of it.
  ///
  /// - Parameter name: a name at the level of the module, or `Class.method`.
  /// - Returns: whether anything in the module runs earlier than was known.
  public mutating func raise(_ name: String, to moment: Moment) -> Bool { statements.raise(name, to: moment) }

  /// When the code of each function runs, by its name; the module's own code by the empty name.
  public mutating func moments() -> [String: Moment] { statements.moments() }

  /// The calls that lead to a function's code from one that something else calls, the first one first, and the name of
  /// that one; empty for the module's own level.
  public mutating func way(to function: String) -> (start: String, steps: [FlowStep]) { statements.way(to: function) }
}
