/// `lineage`: what a model says of its parents, what its weights say, and how the two stand to each other. Subjects:
/// `declared.<operation>`, `inferred.<operation>`, `undeclared.<operation>`, `contradicted.base`,
/// `contradicted.operation`, `unsupported.base`, `disagreement`, `unpinned`, `advisory.<id>`.
public struct LineageFact: Sendable, Hashable {
  public var subject: String
  /// The model, as the report names it.
  public var child: String
  /// What the weights say it is made from, or, for `declared`, what is claimed; several are joined with commas.
  public var parent: String
  /// How it was made: `quantize`, `finetune` …
  public var operation: String
  /// What is claimed, where it differs from ``parent``; empty when nothing is.
  public var declared: String
  /// The operation that is claimed; empty when none is.
  public var claimed: String
  /// Where that is written: `README.md:3`.
  public var source: String
  /// Percent.
  public var confidence: Int
  public var evidence: [String]
  /// Licence that the model states, and that of its parent, as far as they are known.
  public var license: String
  public var parentLicense: String

  public init(
    subject: String, child: String, parent: String = "", operation: String = "", declared: String = "",
    claimed: String = "", source: String = "", confidence: Int = 0, evidence: [String] = [], license: String = "",
    parentLicense: String = ""
  ) {
    self.subject = subject
    self.child = child
    self.parent = parent
    self.operation = operation
    self.declared = declared
    self.claimed = claimed
    self.source = source
    self.confidence = confidence
    self.evidence = evidence
    self.license = license
    self.parentLicense = parentLicense
  }

  public static let attributes = [
    "subject", "child", "parent", "operation", "declared", "claimed", "source", "confidence", "evidence", "license",
    "parent-license",
  ]

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "subject": .text(subject)
    case "child": .text(child)
    case "parent": .text(parent)
    case "operation": .text(operation)
    case "declared": .text(declared)
    case "claimed": .text(claimed)
    case "source": .text(source)
    case "confidence": .integer(confidence)
    case "evidence": .text(evidence.joined(separator: "; "))
    case "license": .text(license)
    case "parent-license": .text(parentLicense)
    default: nil
    }
  }
}

/// Where the models of a scan come from, as reports tell it.
public struct LineageReport: Sendable, Hashable {
  /// One claim at one place.
  public struct Declared: Sendable, Hashable {
    public var child: String
    public var parent: String
    /// Empty when the place names none.
    public var operation: String
    /// `README.md:3`, `model.gguf: general.base_model.0.repo_url`.
    public var source: String

    public init(child: String, parent: String, operation: String, source: String) {
      self.child = child
      self.parent = parent
      self.operation = operation
      self.source = source
    }
  }

  /// One edge that the weights tell.
  public struct Inferred: Sendable, Hashable {
    public var child: String
    public var parent: String
    public var operation: String
    /// A closer word; empty without one.
    public var variant: String
    /// Thousandths.
    public var confidence: Int
    public var evidence: [String]

    public init(
      child: String, parent: String, operation: String, variant: String, confidence: Int, evidence: [String]
    ) {
      self.child = child
      self.parent = parent
      self.operation = operation
      self.variant = variant
      self.confidence = confidence
      self.evidence = evidence
    }
  }

  public enum Verdict: String, Sendable, Hashable, CaseIterable {
    case none, consistent, unverifiable, undeclared, contradicted

    /// What decides when a scan has several models.
    public var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// One model.
  public struct Model: Sendable, Hashable {
    public var child: String
    public var verdict: Verdict
    /// For people, one sentence each.
    public var notes: [String]
    /// Tenths, 0 to 100, and the vector it is made of; empty vector when nothing was scored.
    public var risk: Int
    public var riskVector: String
    public var riskReasons: [String]

    public init(
      child: String, verdict: Verdict, notes: [String] = [], risk: Int = 0, riskVector: String = "",
      riskReasons: [String] = []
    ) {
      self.child = child
      self.verdict = verdict
      self.notes = notes
      self.risk = risk
      self.riskVector = riskVector
      self.riskReasons = riskReasons
    }
  }

  public var declared: [Declared] = []
  public var inferred: [Inferred] = []
  public var models: [Model] = []

  public init() {}

  public var isEmpty: Bool { declared.isEmpty && inferred.isEmpty && models.isEmpty }

  /// The gravest of the models' verdicts.
  public var verdict: Verdict { models.map(\.verdict).max { $0.rank < $1.rank } ?? .none }
}
