public import MScanFacts

/// One object a line, each with its `type`; the last is the summary.
public enum NDJSONReporter: Reporter {
  public static let name = "ndjson"

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    var lines = ""
    for finding in report.findings { lines += line("finding") { ReportJSON.members(of: finding, to: &$0) } }
    for unread in report.unread { lines += line("unread") { ReportJSON.members(of: unread, to: &$0) } }
    for fact in report.provenance { lines += line("provenance") { ReportJSON.members(of: fact, to: &$0) } }
    lines += line("lineage") { ReportJSON.lineage(of: report, to: &$0) }
    lines += line("summary") { json in
      json.member("schema", ReportJSON.schema)
      json.object("tool") { ReportJSON.tool(of: report, to: &$0) }
      ReportJSON.summary(of: report, to: &json)
    }
    return lines
  }

  private static func line(_ type: String, _ members: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter(.oneLine)
    writer.object { json in
      json.member("type", type)
      members(&json)
    }
    return writer.text + "\n"
  }
}
