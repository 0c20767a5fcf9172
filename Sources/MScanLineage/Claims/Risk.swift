/// A known flaw of a model, which its descendants may share.
public struct Advisory: Sendable, Hashable {
  public var id: String
  public var summary: String
  /// `org/name` of the model it is about.
  public var model: String
  /// Revisions that have it; every one when empty.
  public var revisions: [String]
  /// 0 to 10.
  public var score: Double

  public init(id: String, summary: String, model: String, revisions: [String] = [], score: Double) {
    self.id = id
    self.summary = summary
    self.model = model
    self.revisions = revisions
    self.score = min(10, max(0, score.isFinite ? score : 0))
  }
}

/// An advisory that reaches a model from one of its ancestors.
public struct InheritedAdvisory: Sendable, Hashable {
  public var advisory: Advisory
  /// From the model that has it down to the child, each with how it was made of the one before.
  public var path: [String]
  /// What of the score arrives, 0 to 1.
  public var factor: Double

  public var isOwn: Bool { path.count <= 1 }
}

/// What of a parent's risk a child has.
public enum Risk {
  /// How much of what was measured on a base was measured on derivatives made this way. Weak priors: from the raw tables
  /// of a study of a few hundred derivatives (hallucination, jailbreak and prompt injection rates of base and derived
  /// model); for merges the gravest of the parents counts, since most lie outside their parents' range.
  public static func factor(_ operation: Operation, bits: Int? = nil) -> Double {
    switch operation {
    case .copy, .convert, .merge: 1
    case .quantize:
      switch bits ?? 8 {
      case ...3: 0.85
      case 4...7: 0.95
      default: 1
      }
    case .adapter, .loraMerge, .extendVocabulary: 0.95
    case .prune: 0.9
    case .finetune: 0.8
    case .distill: 0.4
    }
  }

  /// One parent of a model, and what of its risk arrives.
  public struct Edge: Sendable, Hashable {
    public var parent: String
    public var operation: String
    public var factor: Double

    public init(parent: String, operation: String, factor: Double) {
      self.parent = parent
      self.operation = operation
      self.factor = factor
    }
  }

  /// Ancestors that are followed. Count; 10,000: the deepest chains known have 40.
  private static let ancestorLimit = 10_000

  /// Advisories that reach a model, the gravest first; each once, by the way that lets most of it through.
  ///
  /// - Parameters:
  ///   - names: the model's own.
  ///   - parents: of a known base.
  public static func advisories(
    for names: Set<String>, revision: String, edges: [Edge], among all: [Advisory],
    parents: (String) -> [String]
  ) -> [InheritedAdvisory] {
    guard !all.isEmpty else { return [] }
    var found: [String: InheritedAdvisory] = [:]
    func take(_ advisory: Advisory, _ path: [String], _ factor: Double) {
      if let known = found[advisory.id], known.factor >= factor { return }
      found[advisory.id] = InheritedAdvisory(advisory: advisory, path: path, factor: factor)
    }
    for advisory in all where names.contains(where: { ModelName.areSame($0, advisory.model) }) {
      guard advisory.revisions.isEmpty || revision.isEmpty || advisory.revisions.contains(revision) else { continue }
      take(advisory, [advisory.model], 1)
    }
    var best: [String: Double] = [:]
    var open = edges.map { ($0.parent, ["\($0.parent)", $0.operation], $0.factor) }
    while let (name, path, factor) = open.popLast(), best.count < ancestorLimit {
      guard factor > best[name] ?? 0 else { continue }
      best[name] = factor
      for advisory in all where ModelName.areSame(advisory.model, name) { take(advisory, path, factor) }
      for parent in parents(name) {
        open.append((parent, [parent, "made into \(name)"] + path.dropFirst(), factor * self.factor(.finetune)))
      }
    }
    return found.values.sorted { a, b in
      let (x, y) = (a.factor * a.advisory.score, b.factor * b.advisory.score)
      return x != y ? x > y : a.advisory.id.utf8.lexicographicallyPrecedes(b.advisory.id.utf8)
    }
  }

  /// What is not known about where a model comes from.
  public static func provenanceGap(_ verdict: Verdict.Kind, isUnpinned: Bool) -> Double {
    let gap =
      switch verdict {
      case .none, .consistent: 0.0
      case .undeclared: 0.2
      case .unverifiable: 0.1
      case .wrongOperation: 0.15
      case .unsupported: 0.35
      case .wrongBase: 0.6
      }
    return min(1, gap + (isUnpinned ? 0.1 : 0))
  }

  /// 0 to 10, from the three parts, each 0 to 1.
  public static func score(intrinsic: Double, inherited: Double, provenance: Double) -> Double {
    10 * (1 - (1 - intrinsic) * (1 - inherited) * (1 - provenance))
  }
}
