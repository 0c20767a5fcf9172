public import MScanFacts

/// SARIF 2.1.0: one run, for code scanning and for whatever else collects results. Sources: the OASIS standard with
/// errata 01, and what GitHub's documentation says it reads of it.
public enum SARIFReporter: Reporter {
  public static let name = "sarif"

  /// Results kept, and notifications; GitHub shows 5,000 of a run.
  static let limit = 5000

  private static let schema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    let kept = mostSevere(report.findings)
    var artifacts = SARIFArtifacts(report)
    // First what numbers the artifacts, in the order of the results; then everything in one go.
    for finding in kept {
      _ = artifacts.nested(finding)
      _ = artifacts.file(finding.file)
      for step in finding.flow { _ = artifacts.file(step.file) }
    }
    let notifications = SARIFNotifications(
      report, leftOut: report.findings.count - kept.count, kept: kept.count, limit: limit, artifacts: &artifacts)
    var writer = JSONWriter(.pretty)
    writer.object { json in
      json.member("$schema", schema)
      json.member("version", "2.1.0")
      json.list("runs", [kept]) { json, kept in
        json.object { run(report, kept, artifacts, notifications, to: &$0) }
      }
    }
    return writer.text + "\n"
  }

  private static func run(
    _ report: ScanReport, _ kept: [Finding], _ artifacts: SARIFArtifacts, _ notifications: SARIFNotifications,
    to json: inout JSONWriter
  ) {
    let taxonomies = SARIFTaxonomy.all(of: report.rules)
    json.object("tool") { json in
      json.object("driver") { driver(of: report, taxonomies, notifications, to: &$0) }
    }
    if !taxonomies.isEmpty {
      json.list("taxonomies", taxonomies) { json, taxonomy in json.object { taxonomy.write(to: &$0) } }
    }
    json.object("automationDetails") { $0.member("id", report.toolName + "/") }
    json.member("columnKind", "unicodeCodePoints")
    json.object("originalUriBaseIds") { json in
      json.object(SARIFArtifacts.base) { json in
        json.object("description") { $0.member("text", "The folder that was scanned.") }
      }
    }
    json.list("invocations", [notifications]) { json, notifications in
      json.object { notifications.writeInvocation(artifacts, to: &$0) }
    }
    artifacts.write(to: &json)
    var rows = artifacts
    let results = SARIFResults(report)
    json.list("results", kept) { json, finding in
      json.object { results.write(finding, artifacts: &rows, to: &$0) }
    }
    SARIFGraphs.write(report.lineage, to: &json)
    json.object("properties") { json in
      json.member("verdict", report.verdict.rawValue)
      json.member("files", report.summary.files)
      json.member("artifacts", report.summary.artifacts)
      json.member("bytes", report.summary.bytes)
    }
  }

  private static func driver(
    of report: ScanReport, _ taxonomies: [SARIFTaxonomy], _ notifications: SARIFNotifications,
    to json: inout JSONWriter
  ) {
    json.member("name", report.toolName)
    json.member("version", report.toolVersion)
    json.member("semanticVersion", report.toolVersion)
    json.member("informationUri", "https://github.com/mscan-lint/mscan-lint")
    json.object("shortDescription") { $0.member("text", "Says what a model file would do before anything loads it.") }
    json.list("rules", report.rules) { json, rule in
      json.object { SARIFRules.write(rule, taxonomies: taxonomies, to: &$0) }
    }
    notifications.writeDescriptors(to: &json)
    if !taxonomies.isEmpty {
      json.list("supportedTaxonomies", taxonomies.enumerated()) { json, taxonomy in
        json.object { json in
          json.member("name", taxonomy.element.name)
          json.member("index", taxonomy.offset)
        }
      }
    }
    json.object("properties") { $0.member("rulesVersion", report.rulesVersion) }
  }

  /// At most ``limit`` findings, the most severe, in the report's order.
  private static func mostSevere(_ findings: [Finding]) -> [Finding] {
    guard findings.count > limit else { return findings }
    let worst = findings.enumerated().sorted { a, b in
      a.element.severity != b.element.severity ? a.element.severity > b.element.severity : a.offset < b.offset
    }
    return worst.prefix(limit).sorted { $0.offset < $1.offset }.map(\.element)
  }
}
