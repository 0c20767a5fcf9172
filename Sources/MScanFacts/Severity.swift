/// How much a finding matters, least first.
public enum Severity: String, Sendable, CaseIterable, Comparable, Hashable {
  case info, low, medium, high, critical

  public var rank: Int {
    switch self {
    case .info: 0
    case .low: 1
    case .medium: 2
    case .high: 3
    case .critical: 4
    }
  }

  /// The SARIF level.
  public var level: String {
    switch self {
    case .critical, .high: "error"
    case .medium: "warning"
    case .low, .info: "note"
    }
  }

  /// SARIF's `security-severity`, none for `info`.
  public var securitySeverity: String? {
    switch self {
    case .critical: "9.5"
    case .high: "8.0"
    case .medium: "5.5"
    case .low: "3.0"
    case .info: nil
    }
  }

  public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
}

/// How often a rule is right when it fires.
public enum Precision: String, Sendable, CaseIterable, Hashable {
  case veryHigh = "very-high"
  case high, medium, low
}
