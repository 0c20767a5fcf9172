public import MScanBytes
public import MScanFacts

/// A pattern for paths, and the folder that its author had in mind.
public struct PathPattern: Sendable, Hashable {
  public var glob: Glob
  /// Absolute and resolved; nil when only the path as reported counts.
  public var base: SystemPath?

  public init(_ pattern: String, base: SystemPath? = nil) {
    glob = Glob(pattern)
    self.base = base
  }

  /// Whether the pattern names the file, by the path that the report gives or by its path below `base`.
  public func matches(reported: String, absolute: SystemPath) -> Bool {
    if glob.matches(reported) { return true }
    guard let base, absolute.isInside(base), absolute != base else { return false }
    return glob.matches(SystemPath(bytes: absolute.bytes.dropFirst(base.bytes.count)).normalised.inFolder)
  }
}

extension SystemPath {
  /// Without the leading slash.
  fileprivate var inFolder: String { SystemPath(bytes: bytes.drop { $0 == UInt8(ascii: "/") }).description }
}

/// An entry of a configuration's `suppressions`: findings of a rule that someone has looked at and accepts.
public struct Suppression: Sendable, Hashable {
  public var rule: String
  /// Nil for every path.
  public var path: PathPattern?
  public var reason: String
  /// Where it is written.
  public var file: String
  public var line: Int
  public var column: Int

  public init(rule: String, path: PathPattern?, reason: String, file: String, line: Int, column: Int) {
    self.rule = rule
    self.path = path
    self.reason = reason
    self.file = file
    self.line = line
    self.column = column
  }
}

/// Which findings count.
public struct Policy: Sendable {
  /// Rules whose findings are not reported.
  public var ignore: Set<String> = []
  /// The only rules whose findings are reported; all when empty.
  public var select: Set<String> = []
  /// Groups of rules whose findings are reported besides: a group stays quiet until it is named here.
  public var groups: Set<String> = []
  public var suppressions: [Suppression] = []
  /// Fingerprints of known findings.
  public var baseline: Set<String> = []
  /// What every model has to be, whatever is found in it.
  public var requirements = Requirements()
  /// Whether all of a folder was looked at, so that a suppression for a path that did not turn up is out of date.
  public var coversFolders = true

  public init() {}

  static let unusedSuppression = RuleDescriptor(
    id: "unused-suppression", title: "A suppression in the configuration suppresses nothing", kind: .anomaly,
    severity: .low, precision: .veryHigh, message: "The suppression of '{rule}' suppresses nothing.",
    why: "A suppression that outlives its finding will hide the next one, which nobody has looked at.",
    fix: "Remove it from the configuration, or correct its rule and path.")

  /// Rules that judge the configuration instead of a file.
  public static let ownRules = [unusedSuppression] + Requirements.rules

  /// Drops and marks findings. `targets` are those of the scan, in the order of the paths they are reported under.
  func apply(to report: inout ScanReport, targets: [Target]) {
    if !requirements.isEmpty {
      requirements.apply(to: &report)
      report.findings.sort(by: Scanner.precedes)
    }
    report.findings.removeAll { !isWanted($0.rule) }
    let paths = suppressions.isEmpty ? [:] : Dictionary(targets.map { ($0.reported, $0.path) }) { first, _ in first }
    var used: Set<Int> = []
    for index in report.findings.indices {
      let finding = report.findings[index]
      if baseline.contains(finding.fingerprint) { report.findings[index].suppression = "baseline" }
      for (number, suppression) in suppressions.enumerated() where suppression.rule == finding.rule {
        let absolute = paths[finding.file] ?? SystemPath(finding.file)
        guard suppression.path?.matches(reported: finding.file, absolute: absolute) ?? true else { continue }
        used.insert(number)
        report.findings[index].suppression = suppression.reason
      }
    }
    guard isWanted(Self.unusedSuppression.id) else { return }
    let unused = suppressions.enumerated().filter { number, suppression in
      !used.contains(number) && isWanted(suppression.rule) && concerns(suppression, targets)
    }
    for (number, suppression) in unused {
      let row = report.artifacts.append(Artifact(name: suppression.file, format: "yaml", size: 0))
      report.findings.append(finding(about: suppression, number: number, artifact: row))
    }
    if !unused.isEmpty { report.findings.sort(by: Scanner.precedes) }
  }

  func isWanted(_ rule: String) -> Bool { !ignore.contains(rule) && (select.isEmpty || select.contains(rule)) }

  private func concerns(_ suppression: Suppression, _ targets: [Target]) -> Bool {
    guard !coversFolders, let path = suppression.path else { return true }
    return targets.contains { path.matches(reported: $0.reported, absolute: $0.path) }
  }

  private func finding(about suppression: Suppression, number: Int, artifact: Int) -> Finding {
    let rule = Self.unusedSuppression
    var hash = StableHash()
    for part in [rule.id, suppression.rule, suppression.path?.glob.pattern ?? "", String(number)] { hash.combine(part) }
    let path = suppression.path.map { " in \($0.glob.pattern)" } ?? ""
    return Finding(
      rule: rule.id, severity: rule.severity, precision: rule.precision,
      message: "The suppression of '\(suppression.rule)'\(path) suppresses nothing.", file: suppression.file,
      artifact: artifact, chain: [], place: "\(suppression.line):\(suppression.column)", line: suppression.line,
      column: suppression.column, isText: true, byteOffset: 0, byteLength: 0, exact: true, innerRange: ByteRange(0, 0),
      subject: suppression.rule, fingerprint: hash.hex, fix: rule.fix)
  }
}

/// How a run ends.
public enum ExitStatus: Int32, Sendable {
  case clean = 0
  case findings = 1
  /// Something was not read, or the run failed.
  case incomplete = 2
  case usage = 64

  /// Findings that count win over what was not read.
  public static func of(_ report: ScanReport, failOn: Severity?) -> ExitStatus {
    if let failOn, report.findings.contains(where: { !$0.isSuppressed && $0.severity >= failOn }) { return .findings }
    return report.unread.isEmpty ? .clean : .incomplete
  }
}
