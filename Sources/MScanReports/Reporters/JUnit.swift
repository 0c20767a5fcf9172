public import MScanFacts

/// JUnit XML as CI systems read it: one case a finding, a failure when it counts against `--fail-on`, an error for what
/// was not read.
public enum JUnitReporter: Reporter {
  public static let name = "junit"

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    let isFailure: (Finding) -> Bool = { finding in
      !finding.isSuppressed && (style.failOn.map { finding.severity >= $0 } ?? false)
    }
    let cases = report.findings.count + report.unread.count
    let counts = attributes([
      ("name", report.toolName), ("tests", String(max(1, cases))),
      ("failures", String(report.findings.count(where: isFailure))), ("errors", String(report.unread.count)),
      ("skipped", String(report.findings.count { $0.isSuppressed })), ("time", seconds(report.summary.seconds)),
    ])
    var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite\(counts)>\n"
    for finding in report.findings { out += testCase(finding, isFailure: isFailure(finding)) }
    for unread in report.unread { out += testCase(unread) }
    if cases == 0 { out += "    <testcase\(attributes([("classname", report.toolName), ("name", "scan")]))/>\n" }
    out += "    <system-out>\(escaped(Prose.verdict(of: report)))</system-out>\n"
    return out + "  </testsuite>\n</testsuites>\n"
  }

  private static func testCase(_ finding: Finding, isFailure: Bool) -> String {
    let place = Prose.place(of: finding)
    let name = finding.rule + (place.isEmpty ? "" : " · " + place)
    let body: String
    if let reason = finding.suppression {
      body = "<skipped\(attributes([("message", reason)]))/>"
    } else {
      let lines = [finding.message, Call.text(of: finding) ?? "", finding.fix]
      let text = lines.filter { !$0.isEmpty }.map { escaped($0) }.joined(separator: "\n")
      body =
        isFailure
        ? "<failure\(attributes([("type", finding.severity.rawValue), ("message", finding.message)]))>\(text)</failure>"
        : "<system-out>\(finding.severity.rawValue): \(text)</system-out>"
    }
    let own = attributes([("classname", finding.file), ("name", name), ("file", finding.file)])
    return "    <testcase\(own)>\n      \(body)\n    </testcase>\n"
  }

  private static func testCase(_ unread: Unread) -> String {
    let place = Prose.place(of: unread)
    let own = attributes([
      ("classname", unread.file), ("name", "not read" + (place.isEmpty ? "" : " · " + place)), ("file", unread.file),
    ])
    let error = attributes([("type", unread.reason), ("message", Prose.reason(of: unread))])
    return "    <testcase\(own)>\n      <error\(error)/>\n    </testcase>\n"
  }

  private static func seconds(_ value: Double) -> String {
    let milliseconds = Prose.milliseconds(value)
    let rest = String(milliseconds % 1000)
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }

  private static func attributes(_ pairs: [(String, String)]) -> String {
    pairs.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
  }

  /// XML 1.0 has no way to write most control characters; ``Plain`` has spelt them out before.
  private static func escaped(_ text: String) -> String { HTMLText.plain(text) }
}
