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
    /// Nil where nobody says how.
    public var operation: Operation?
    public var factor: Double

    public init(parent: String, operation: Operation?, factor: Double) {
      self.parent = parent
      self.operation = operation
      self.factor = factor
    }
  }

  /// An ancestor, and the way from it.
  private struct Step {
    var name: String
    var path: [String]
    var operations: OperationSet
    var factor: Double
  }

  private struct Reached: Hashable {
    var name: String
    var operations: OperationSet
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
    for advisory in all where advisory.covers(revision: revision) && names.contains(where: advisory.isAbout) {
      take(advisory, [advisory.model], 1)
    }
    // The same ancestor may be reached by several ways, of which an advisory passes only some.
    var best: [Reached: Double] = [:]
    var open = edges.map { edge in
      let way = edge.operation?.rawValue ?? "made in a way that is not said"
      return Step(
        name: edge.parent, path: [edge.parent, way], operations: OperationSet([edge.operation].compactMap { $0 }),
        factor: edge.factor)
    }
    while let step = open.popLast(), best.count < ancestorLimit {
      let reached = Reached(name: step.name, operations: step.operations)
      guard step.factor > best[reached] ?? 0 else { continue }
      best[reached] = step.factor
      for advisory in all where advisory.isAbout(step.name) && advisory.passes(step.operations) {
        take(advisory, step.path, step.factor)
      }
      for parent in parents(step.name) {
        open.append(
          Step(
            name: parent, path: [parent, "made into \(step.name)"] + step.path.dropFirst(),
            operations: step.operations, factor: step.factor * self.factor(.finetune)))
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
