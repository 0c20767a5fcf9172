public import MScanFacts

/// One document, schema 1.
public enum JSONReporter: Reporter {
  public static let name = "json"

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    var writer = JSONWriter(.pretty)
    writer.object { json in
      json.member("schema", ReportJSON.schema)
      json.object("tool") { ReportJSON.tool(of: report, to: &$0) }
      json.list("findings", report.findings) { json, finding in
        json.object { ReportJSON.members(of: finding, to: &$0) }
      }
      json.list("unread", report.unread) { json, unread in
        json.object { ReportJSON.members(of: unread, to: &$0) }
      }
      json.list("provenance", report.provenance) { json, fact in
        json.object { ReportJSON.members(of: fact, to: &$0) }
      }
      json.object("lineage") { ReportJSON.lineage(of: report, to: &$0) }
      json.object("summary") { ReportJSON.summary(of: report, to: &$0) }
    }
    return writer.text + "\n"
  }
}

/// Members that the two JSON formats share.
enum ReportJSON {
  static let schema = 1

  static func tool(of report: ScanReport, to json: inout JSONWriter) {
    json.member("name", report.toolName)
    json.member("version", report.toolVersion)
    json.member("rules", report.rulesVersion)
  }

  static func members(of finding: Finding, to json: inout JSONWriter) {
    json.member("rule", finding.rule)
    json.member("severity", finding.severity.rawValue)
    json.member("level", finding.severity.level)
    json.member("precision", finding.precision.rawValue)
    json.member("message", finding.message)
    json.member("file", finding.file)
    json.member("chain", finding.chain)
    json.member("place", finding.place)
    json.member("line", finding.line)
    json.member("column", finding.column)
    json.member("byteOffset", finding.byteOffset)
    json.member("byteLength", finding.byteLength)
    json.member("exact", finding.exact)
    json.member("subject", finding.subject)
    json.member("arguments", finding.arguments)
    json.member("when", finding.when)
    if !finding.refusedBy.isEmpty { json.member("refusedBy", finding.refusedBy) }
    if !finding.flow.isEmpty {
      json.list("flow", finding.flow) { json, step in
        json.object { json in
          json.member("file", step.file)
          json.member("line", step.line)
          json.member("column", step.column)
          json.member("message", step.message)
        }
      }
    }
    json.member("count", finding.count)
    json.member("fingerprint", finding.fingerprint)
    json.member("suppressed", finding.isSuppressed)
    json.member("fix", finding.fix)
  }

  static func members(of unread: Unread, to json: inout JSONWriter) {
    json.member("file", unread.file)
    json.member("chain", unread.chain)
    json.member("reason", unread.reason)
    json.member("detail", unread.detail)
    json.member("byteOffset", unread.byteOffset)
  }

  static func members(of fact: ProvenanceFact, to json: inout JSONWriter) {
    json.member("record", fact.record)
    json.member("kind", fact.kind)
    json.member("status", fact.status.rawValue)
    json.member("path", fact.path)
    json.member("detail", fact.detail)
    if !fact.reason.isEmpty { json.member("reason", fact.reason) }
    if !fact.algorithm.isEmpty { json.member("algorithm", fact.algorithm) }
    if !fact.expected.isEmpty { json.member("expected", fact.expected) }
    if !fact.actual.isEmpty { json.member("actual", fact.actual) }
  }

  static func lineage(of report: ScanReport, to json: inout JSONWriter) {
    let lineage = report.lineage
    json.list("declared", lineage.declared) { json, edge in
      json.object { json in
        json.member("child", edge.child)
        json.member("parent", edge.parent)
        json.member("operation", edge.operation)
        json.member("source", edge.source)
      }
    }
    json.list("inferred", lineage.inferred) { json, edge in
      json.object { json in
        json.member("child", edge.child)
        json.member("parent", edge.parent)
        json.member("operation", edge.operation)
        json.member("variant", edge.variant)
        json.member("confidence") { $0.thousandths(edge.confidence) }
        json.member("evidence", edge.evidence)
      }
    }
    if !lineage.models.isEmpty { models(lineage.models, to: &json) }
    json.member("verdict", lineage.verdict.rawValue)
  }

  /// Each model's own verdict, and what is to be said of it.
  private static func models(_ models: [LineageReport.Model], to json: inout JSONWriter) {
    json.list("models", models) { json, model in
      json.object { json in
        json.member("child", model.child)
        json.member("verdict", model.verdict.rawValue)
        json.member("notes", model.notes)
        guard !model.riskVector.isEmpty else { return }
        json.member("risk") { $0.thousandths(model.risk * 100) }
        json.member("riskVector", model.riskVector)
        json.member("riskReasons", model.riskReasons)
      }
    }
  }

  static func summary(of report: ScanReport, to json: inout JSONWriter) {
    json.member("files", report.summary.files)
    json.member("artifacts", report.summary.artifacts)
    json.member("bytes", report.summary.bytes)
    json.member("bytesRead", report.summary.bytesRead)
    json.member("verdict", report.verdict.rawValue)
    json.object("bySeverity") { json in
      for severity in Severity.allCases.reversed() { json.member(severity.rawValue, report.count(of: severity)) }
    }
    json.member("seconds") { $0.thousandths(Prose.milliseconds(report.summary.seconds)) }
  }
}
