public import MScanBytes

/// `artifact`: what a file or member turned out to be. Subject: the format id.
public struct ArtifactFact: Sendable, Hashable {
  public var format: String
  /// The format its name claims, empty if the name claims none.
  public var claimed: String
  public var size: Int
  /// Further formats the same bytes are valid as (a polyglot).
  public var also: [String]

  public init(format: String, claimed: String = "", size: Int, also: [String] = []) {
    self.format = format
    self.claimed = claimed
    self.size = size
    self.also = also
  }

  public static let attributes = ["format", "claimed", "mismatch", "size", "also", "polyglot"]

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "format": .text(format)
    case "claimed": .text(claimed)
    case "mismatch": .boolean(!claimed.isEmpty && claimed != format)
    case "size": .integer(size)
    case "also": .list(also)
    case "polyglot": .boolean(!also.isEmpty)
    default: nil
    }
  }
}

/// `member`: an entry of a container. Subject: its normalised path.
public struct MemberFact: Sendable, Hashable {
  public enum Flag: String, Sendable, Hashable, CaseIterable {
    case traversal, absolute, link, duplicate, encrypted, hidden, backslash
    case nameMismatch = "name-mismatch"
    case methodMismatch = "method-mismatch"
    case sizeMismatch = "size-mismatch"
    case badChecksum = "bad-crc"
    case dataDescriptor = "data-descriptor"
    case reservedFlags = "reserved-flags"
    case unlisted, overlap
    case caseVariant = "case-variant"
    /// Differs from another name only in how its letters are encoded or drawn.
    case unicodeVariant = "unicode-variant"
    /// A device or a FIFO.
    case device
    /// A link that leads out of the folder it is unpacked to.
    case linkEscapes = "link-escapes"
    /// A link to something beside it or below, as libraries and folders of versions have them.
    case linkInside = "link-inside"
  }

  public var name: String
  /// `stored`, `deflate`, `method-12` …
  public var method: String
  public var compressedSize: Int
  public var size: Int
  public var flags: [Flag]

  public init(name: String, method: String, compressedSize: Int, size: Int, flags: [Flag] = []) {
    self.name = name
    self.method = method
    self.compressedSize = compressedSize
    self.size = size
    self.flags = flags
  }

  public static let attributes = ["name", "method", "compressed-size", "size", "flags"]

  func attribute(named attribute: String) -> AttributeValue? {
    switch attribute {
    case "name": .text(name)
    case "method": .text(method)
    case "compressed-size": .integer(compressedSize)
    case "size": .integer(size)
    case "flags": .list(flags.map(\.rawValue))
    default: nil
    }
  }
}

/// `callable`: something importable that a stream or a source names or calls. Subject: its dotted name.
public struct CallableFact: Sendable, Hashable {
  public enum Stage: String, Sendable, Hashable { case named, invoked }

  /// As the stream or source writes them. For a callable that was resolved (`getattr` and friends), the module is
  /// empty and the name is the whole dotted path; a part that could not be computed is `?`.
  public var module: String
  public var name: String
  public var stage: Stage
  /// Opcode or construct: `global`, `stack-global`, `inst`, `reduce`, `obj`, `newobj`, `build`, `map`, `partial` …
  public var via: String
  /// Rendered arguments, bounded.
  public var arguments: [String]
  /// Loader steps that run it: `pickle.load`, `torch.load` …
  public var when: [String]
  /// Whether torch's `weights_only=True` would refuse it before it runs.
  public var subjects: [String]
  /// Where an invoked callable was named, in the same artifact.
  public var namedAt: ByteRange?
  /// Of source code: the function whose code it is, `Model.__init__`; empty at the level of the module.
  public var function = ""
  /// Of source code: dotted names and keywords of texts that flow into the arguments, bounded.
  public var receives: [String] = []
  /// How what flows into the arguments was asked for: `os.getenv(HOME)` by a name that is written there, `os.getenv(?)` by
  /// another, `os.environ(*)` as a whole, `?(_API_KEY)` by a name that holds a keyword.
  public var asked: [String] = []
  /// Of source code: texts that arguments come to, bounded.
  public var constants: [String] = []
  /// How the loader gets to it, the first step first; empty when nothing but the file itself says.
  public var flow: [FlowStep] = []

  public init(
    module: String, name: String, stage: Stage, via: String, arguments: [String] = [], when: [String] = [],
    subjects: [String]? = nil, namedAt: ByteRange? = nil
  ) {
    self.module = module
    self.name = name
    self.stage = stage
    self.via = via
    self.arguments = arguments
    self.when = when
    self.subjects = subjects ?? [module.isEmpty ? name : module + "." + name]
    self.namedAt = namedAt
  }

  /// Constructs of source code, where a callable is called by whoever runs the code. What a loader runs by itself is
  /// `via` something else.
  public enum SourceConstruct: String, CaseIterable, Sendable {
    case call, decorator, argument, assignment
    case itemAssignment = "item-assignment"
    /// It stands in a list, a dictionary, a default, or is returned: somebody may take it out and call it.
    case held

    /// Its place among them, from 0.
    public var place: Int {
      switch self {
      case .call: 0
      case .decorator: 1
      case .argument: 2
      case .assignment: 3
      case .itemAssignment: 4
      case .held: 5
      }
    }

    /// The bit of its place.
    public var bit: UInt8 { 1 << UInt8(truncatingIfNeeded: place) }
  }

  /// Whether source code says it. Ordinary source calls everything, so that only rules that ask for it judge it.
  public var isInSource: Bool { SourceConstruct(rawValue: via) != nil }

  /// Module and name as one dotted path, after aliases.
  public var dotted: String { subjects.first ?? "" }

  public static let attributes = [
    "module", "name", "stage", "via", "arguments", "when", "resolved", "root", "function", "receives", "asked",
    "constants",
  ]

  func attribute(named attribute: String) -> AttributeValue? {
    switch attribute {
    case "module": .text(module)
    case "name": .text(name)
    case "stage": .text(stage.rawValue)
    case "via": .text(via)
    case "arguments": .text(arguments.joined(separator: ", "))
    case "when": .list(when)
    case "resolved": .boolean(module.isEmpty)
    case "root": .text(String(dotted.prefix { $0 != "." }))
    case "function": .text(function)
    case "receives": .list(receives)
    case "asked": .list(asked)
    case "constants": .list(constants)
    default: nil
    }
  }
}

/// `value`: a scalar in a structured text or a metadata table. Subject: its key path, joined with dots.
public struct ValueFact: Sendable, Hashable {
  public enum Scalar: Sendable, Hashable {
    case text(String)
    /// The number as written.
    case number(String)
    case boolean(Bool)
    case null
    /// A container, by its number of entries.
    case object(Int)
    case array(Int)
  }

  /// `auto_map.AutoModel`; array positions as numbers.
  public var keyPath: String
  public var value: Scalar

  public init(keyPath: String, value: Scalar) {
    self.keyPath = keyPath
    self.value = value
  }

  public static let attributes =
    ["path", "value", "type", "number", "key", "items", "backtracking"] + TextShape.attributes

  /// The key path, then what remains of it after each of its first seven steps and before each of its last four:
  /// `text_config.auto_map.AutoModel` is also `auto_map.AutoModel`, because nested configurations are read by the same
  /// code, however deep.
  var subjects: [String] {
    var found = [keyPath]
    var rest = keyPath[...]
    while found.count < 8, let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if !rest.isEmpty { found.append(String(rest)) }
    }
    guard rest.contains(".") else { return found }
    var ends: [String] = []
    var before = rest
    while ends.count < 4, let dot = before.lastIndex(of: ".") {
      let end = rest[rest.index(after: dot)...]
      if !end.isEmpty { ends.append(String(end)) }
      before = before[..<dot]
    }
    return found + ends.reversed()
  }

  /// The value as a reader writes it, strings without quotes.
  public var rendered: String {
    switch value {
    case .text(let text): text
    case .number(let digits): digits
    case .boolean(let flag): flag ? "true" : "false"
    case .null: "null"
    case .object(let count): "{\(count)}"
    case .array(let count): "[\(count)]"
    }
  }

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "path": .text(keyPath)
    case "value": .text(rendered)
    case "key": .text(String(keyPath.reversed().prefix { $0 != "." }.reversed()))
    case "number":
      if case .number(let digits) = value {
        Int(digits).map(AttributeValue.integer)
          ?? (Double(digits).map { $0 > 0 ? .integer(Int.max) : .integer(Int.min) })
      } else {
        nil
      }
    case "items":
      switch value {
      case .object(let count), .array(let count): .integer(count)
      default: nil
      }
    case "type":
      switch value {
      case .text: .text("string")
      case .number: .text("number")
      case .boolean: .text("boolean")
      case .null: .text("null")
      case .object: .text("object")
      case .array: .text("array")
      }
    case "backtracking":
      if case .text(let text) = value { .boolean(RegexShape(text).flaw == .backtracking) } else { nil }
    default:
      if case .text(let text) = value { TextShape(text).attribute(named: name) } else { nil }
    }
  }
}

/// `tensor`: one tensor of a weight file. Subject: its name.
public struct TensorFact: Sendable, Hashable {
  public var name: String
  public var dtype: String
  public var shape: [Int]
  /// Bytes in the file that holds it; of ``storage`` where that is named.
  public var bytes: ByteRange
  /// The key of the storage that holds it, in a pickle whose tensors lie in other members of its archive; empty for others.
  public var storage: String
  /// Elements from one neighbour to the next along each axis; nil for rows one behind the other.
  public var strides: [Int]?

  public init(
    name: String, dtype: String, shape: [Int], bytes: ByteRange, storage: String = "", strides: [Int]? = nil
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.bytes = bytes
    self.storage = storage
    self.strides = strides
  }

  public static let attributes = ["name", "dtype", "dimensions", "size"]

  func attribute(named attribute: String) -> AttributeValue? {
    switch attribute {
    case "name": .text(name)
    case "dtype": .text(dtype)
    case "dimensions": .integer(shape.count)
    case "size": .integer(bytes.count)
    default: nil
    }
  }
}

/// `anomaly`: something that breaks the format, hides from a reader, or could not be read. Subject: a dotted id,
/// `pickle.frame-crossed`, `zip.bad-crc`, `limit.depth`.
public struct AnomalyFact: Sendable, Hashable {
  public var subject: String
  /// The specification's name for the field.
  public var field: String
  /// What was seen, in a few words of the file's own terms.
  public var detail: String
  /// The bytes at fault, or what depends on them, were not read: the scan is incomplete.
  public var incomplete: Bool

  public init(subject: String, field: String = "", detail: String = "", incomplete: Bool = false) {
    self.subject = subject
    self.field = field
    self.detail = detail
    self.incomplete = incomplete
  }

  public static let attributes = ["subject", "field", "detail", "incomplete"]

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "subject": .text(subject)
    case "field": .text(field)
    case "detail": .text(detail)
    case "incomplete": .boolean(incomplete)
    default: nil
    }
  }
}

extension FactKind {
  /// The attributes a rule of this kind may use; `file` (base name), `extension` and `in` (format of the artifact) come
  /// with every kind.
  public var attributes: [String] {
    let own: [String] =
      switch self {
      case .artifact: ArtifactFact.attributes
      case .member: MemberFact.attributes
      case .callable: CallableFact.attributes
      case .value: ValueFact.attributes
      case .operation: OperationFact.attributes
      case .reference: ReferenceFact.attributes
      case .tensor: TensorFact.attributes
      case .token: TokenFact.attributes
      case .anomaly: AnomalyFact.attributes
      case .text: TextFact.attributes
      case .provenance: ProvenanceFact.attributes
      case .lineage: LineageFact.attributes
      case .template: TemplateFact.attributes
      }
    return own + ["file", "extension", "in"]
  }
}
