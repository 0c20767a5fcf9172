/// A known flaw of a model, of a file, or of a tensor, which descendants may share.
public struct Advisory: Sendable, Hashable {
  /// Bytes that have the flaw, wherever they are met.
  public struct Content: Sendable, Hashable {
    /// Path of a file, or name of a tensor, as the advisory has it; may be empty for a file.
    public var name: String
    /// 64 lower-case hexadecimal digits.
    public var sha256: String

    public init(name: String, sha256: String) {
      self.name = name
      self.sha256 = sha256.lowercased()
    }
  }

  /// Which descendants share it.
  public enum Reach: String, Sendable, Hashable, CaseIterable {
    /// Only the model itself.
    case none
    /// Those whose weights were not trained further.
    case untilRetrained = "until-retrained"
    case descendants
  }

  public var id: String
  public var summary: String
  /// `org/name` of the model it is about; empty when it is about bytes alone.
  public var model: String
  /// Revisions that have it; every one when empty.
  public var revisions: [String]
  /// Revisions that no longer have it.
  public var fixed: [String]
  public var files: [Content]
  public var tensors: [Content]
  public var reach: Reach
  /// Ways of making a model that carry it along, in the words of model cards or of ``Operation``; every one when empty.
  public var relations: Set<String>
  /// Whether only a model with the owner in its name is meant: another's copy of the name is somebody else's model.
  public var isByOwner: Bool
  /// 0 to 10.
  public var score: Double

  public init(
    id: String, summary: String, model: String, revisions: [String] = [], fixed: [String] = [], files: [Content] = [],
    tensors: [Content] = [], reach: Reach = .descendants, relations: Set<String> = [], isByOwner: Bool = false,
    score: Double
  ) {
    self.id = id
    self.summary = summary
    self.model = model
    self.revisions = revisions
    self.fixed = fixed
    self.files = files
    self.tensors = tensors
    self.reach = reach
    self.relations = relations
    self.isByOwner = isByOwner
    self.score = min(10, max(0, score.isFinite ? score : 0))
  }

  /// Whether it is about the model of this name.
  public func isAbout(_ name: String) -> Bool {
    guard !model.isEmpty else { return false }
    return isByOwner ? model.lowercased() == name.lowercased() : ModelName.areSame(model, name)
  }

  /// Whether a revision has it. One that is not known has: nothing says otherwise.
  ///
  /// - Parameter revision: a commit; empty when it is not known.
  func covers(revision: String) -> Bool {
    if revision.isEmpty { return true }
    if fixed.contains(where: { Self.isSame($0, revision) }) { return false }
    return revisions.isEmpty || revisions.contains { Self.isSame($0, revision) }
  }

  /// Commits are often written by their first digits, at least seven.
  private static func isSame(_ a: String, _ b: String) -> Bool {
    let (x, y) = (a.lowercased(), b.lowercased())
    return x == y || (min(x.utf8.count, y.utf8.count) >= 7 && (x.hasPrefix(y) || y.hasPrefix(x)))
  }

  /// Whether it goes along when a model is made so.
  func passes(_ operations: OperationSet) -> Bool {
    switch reach {
    case .none: return false
    case .untilRetrained where operations.contains(.finetune) || operations.contains(.distill): return false
    case .untilRetrained, .descendants: break
    }
    guard !relations.isEmpty else { return true }
    return Operation.allCases.allSatisfy { operation in
      guard operations.contains(operation) else { return true }
      return Self.words(for: operation).isEmpty || !relations.isDisjoint(with: Self.words(for: operation))
    }
  }

  /// What advisories call an operation; nothing for what leaves the weights as they are, which no list need name.
  private static func words(for operation: Operation) -> Set<String> {
    switch operation {
    case .copy, .convert: []
    case .quantize: ["quantized", "quantize"]
    case .adapter: ["adapter"]
    case .loraMerge: ["adapter", "lora_merge"]
    case .merge: ["merge"]
    case .finetune: ["finetune"]
    case .prune, .extendVocabulary, .distill: ["finetune", operation.rawValue]
    }
  }
}

/// The operations that lie between an ancestor and a model.
struct OperationSet: Sendable, Hashable {
  private var bits: UInt16 = 0

  init(_ operations: [Operation] = []) {
    for operation in operations { insert(operation) }
  }

  private static func bit(_ operation: Operation) -> UInt16 {
    Operation.allCases.firstIndex(of: operation).map { 1 << UInt16($0) } ?? 0
  }

  func contains(_ operation: Operation) -> Bool { bits & Self.bit(operation) != 0 }
  mutating func insert(_ operation: Operation) { bits |= Self.bit(operation) }
}

/// An advisory that reaches a model, by its own name or bytes or from one of its ancestors.
public struct InheritedAdvisory: Sendable, Hashable {
  public var advisory: Advisory
  /// From the model that has it down to the child, each with how it was made of the one before.
  public var path: [String]
  /// What of the score arrives, 0 to 1.
  public var factor: Double
  /// The file or tensor whose bytes it names; empty when it is the name that it names.
  public var content = ""

  public init(advisory: Advisory, path: [String], factor: Double, content: String = "") {
    self.advisory = advisory
    self.path = path
    self.factor = factor
    self.content = content
  }

  public var isOwn: Bool { path.count <= 1 }
}
