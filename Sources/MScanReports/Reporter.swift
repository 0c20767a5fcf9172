public import MScanFacts

/// How a report is written.
public struct ReportStyle: Sendable {
  public var color: Bool
  /// Findings and verdict only.
  public var quiet: Bool
  /// Severity at or above which the run fails; nil never.
  public var failOn: Severity?

  public init(color: Bool = false, quiet: Bool = false, failOn: Severity? = .medium) {
    self.color = color
    self.quiet = quiet
    self.failOn = failOn
  }
}

/// Writes a report in one format. Pure: same report, same bytes.
public protocol Reporter: Sendable {
  /// As given to `--format`.
  static var name: String { get }
  static func render(_ report: ScanReport, style: ReportStyle) -> String
  /// Whether it lists every file, with its hash, and what the model says of itself.
  static var needsInventory: Bool { get }
}

extension Reporter {
  public static var needsInventory: Bool { false }
}

/// Every reporter, by name.
public enum ReporterList {
  public static let all: [any Reporter.Type] = [
    TextReporter.self, JSONReporter.self, NDJSONReporter.self, SARIFReporter.self, GitHubReporter.self,
    MarkdownReporter.self, JUnitReporter.self, HTMLReporter.self, CycloneDXReporter.self,
  ]

  public static func named(_ name: String) -> (any Reporter.Type)? { all.first { $0.name == name } }
}
