public import MScanFacts

/// Workflow commands that GitHub Actions turns into annotations. It shows ten of a level for each step, so the most
/// severe come first.
public enum GitHubReporter: Reporter {
  public static let name = "github"

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    var lines = ""
    let worstFirst = report.active.enumerated()
      .sorted { a, b in
        a.element.severity != b.element.severity ? a.element.severity > b.element.severity : a.offset < b.offset
      }
    for (_, finding) in worstFirst {
      let place = Prose.place(of: finding)
      let suffix = place.isEmpty ? "" : " (\(place))"
      let properties = [
        ("file", finding.file), ("line", String(finding.line)), ("col", String(finding.column)),
        ("title", "\(finding.severity.rawValue): \(finding.rule)"),
      ]
      lines += command(level(of: finding.severity), properties, "\(finding.message)\(suffix) \(finding.fix)")
    }
    for unread in report.unread {
      let place = Prose.place(of: unread)
      lines += command(
        "warning", [("file", unread.file), ("title", "Not read")],
        Prose.reason(of: unread) + (place.isEmpty ? "" : " (\(place))"))
    }
    return lines + Prose.verdict(of: report) + "\n"
  }

  private static func level(of severity: Severity) -> String {
    switch severity {
    case .critical, .high: "error"
    case .medium: "warning"
    case .low, .info: "notice"
    }
  }

  private static func command(_ name: String, _ properties: [(String, String)], _ message: String) -> String {
    let list = properties.map { "\($0.0)=\(escaped(Plain.text($0.1, limit: 1000), isProperty: true))" }
    let data = escaped(Plain.text(message, limit: 2000), isProperty: false)
    return "::\(name) \(list.joined(separator: ","))::\(data)\n"
  }

  /// As the runner decodes it: `%` in both parts, `:` and `,` in properties. Line breaks are gone already.
  private static func escaped(_ text: String, isProperty: Bool) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "%": out += "%25"
      case ":" where isProperty: out += "%3A"
      case "," where isProperty: out += "%2C"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
