/// A file of a scan, as an inventory lists it.
public struct ScannedFile: Sendable, Hashable {
  /// As the report names it.
  public var path: String
  /// Bytes.
  public var size: Int
  /// Format id; empty for a file that was not read.
  public var format: String
  /// Hexadecimal digits; empty when it was not hashed.
  public var sha256: String

  public init(path: String, size: Int, format: String, sha256: String = "") {
    self.path = path
    self.size = size
    self.format = format
    self.sha256 = sha256
  }
}

/// What a model says of itself, in its card and configuration. Claims, each with where it is written.
public struct ModelDescription: Sendable, Hashable {
  public struct Claim: Sendable, Hashable {
    public var value: String
    /// `README.md:3`.
    public var source: String

    public init(value: String, source: String) {
      self.value = value
      self.source = source
    }
  }

  /// Of the folder or file that was given.
  public var name = ""
  public var licenses: [Claim] = []
  public var parents: [Claim] = []
  public var datasets: [Claim] = []
  public var tasks: [Claim] = []
  public var architectures: [Claim] = []
  /// Families of architecture, `model_type` of a configuration.
  public var families: [Claim] = []
  /// Names of code that the model's own files bring, `auto_map` of a configuration.
  public var remoteCode: [Claim] = []

  public init() {}

  /// Keys of documents that say these things.
  public static let keys: Set<String> = [
    "license", "base_model", "base_model_name_or_path", "_name_or_path", "datasets", "pipeline_tag", "architectures",
    "model_type", "auto_map", "trust_remote_code",
  ]

  /// Claims of one kind that are told. Count; 256.
  private static let limit = 256

  /// Takes a value of a document.
  ///
  /// - Parameter file: the file's path; cards and configurations at the top of the model speak for it.
  public mutating func note(_ fact: ValueFact, file: String, line: Int) {
    guard case .text(let text) = fact.value, !text.isEmpty else { return }
    let base = String(file.split(separator: "/").last ?? "")
    let claim = Claim(value: text, source: line > 0 ? "\(file):\(line)" : file)
    let isCard = base == "README.md"
    switch String(fact.keyPath.prefix { $0 != "." }) {
    case "license" where isCard: Self.add(claim, to: &licenses)
    case "base_model" where isCard: Self.add(claim, to: &parents)
    case "base_model_name_or_path" where base == "adapter_config.json": Self.add(claim, to: &parents)
    case "datasets" where isCard: Self.add(claim, to: &datasets)
    case "pipeline_tag" where isCard: Self.add(claim, to: &tasks)
    case "architectures" where base == "config.json": Self.add(claim, to: &architectures)
    case "model_type" where base == "config.json": Self.add(claim, to: &families)
    case "auto_map": Self.add(claim, to: &remoteCode)
    default: return
    }
  }

  private static func add(_ claim: Claim, to list: inout [Claim]) {
    guard list.count < limit, !list.contains(where: { $0.value == claim.value }) else { return }
    list.append(claim)
  }

  /// Joins what two threads have taken in; the order of files is put right by ``sort()``.
  public mutating func merge(_ other: ModelDescription) {
    func join(_ path: WritableKeyPath<ModelDescription, [Claim]>) {
      for claim in other[keyPath: path] { Self.add(claim, to: &self[keyPath: path]) }
    }
    for path in Self.lists { join(path) }
  }

  public mutating func sort() {
    for path in Self.lists { self[keyPath: path].sort { ($0.source, $0.value) < ($1.source, $1.value) } }
  }

  private static var lists: [WritableKeyPath<ModelDescription, [Claim]>] {
    [\.licenses, \.parents, \.datasets, \.tasks, \.architectures, \.families, \.remoteCode]
  }
}
