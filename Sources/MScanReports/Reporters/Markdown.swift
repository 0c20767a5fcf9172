public import MScanFacts

/// A comment for a pull request. GitHub takes 65,536 characters, so the rows are bounded and the rest is counted.
public enum MarkdownReporter: Reporter {
  public static let name = "markdown"

  /// Rows of one table; 100 with their names and messages stay below what a comment may hold.
  static let rows = 100

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    var out = "### mscan-lint: \(Prose.headline(report).lowercased())\n\n"
    out += MarkdownText.plain(Prose.verdict(of: report)) + "\n"
    let findings = FileGroup.groups(of: report.active).flatMap(\.findings)
      .enumerated()
      .sorted { a, b in
        a.element.severity != b.element.severity ? a.element.severity > b.element.severity : a.offset < b.offset
      }
      .map(\.element)
    if !findings.isEmpty {
      out += "\n| Severity | Rule | Where | What |\n|---|---|---|---|\n"
      for finding in findings.prefix(rows) { out += row(finding) }
      out += more(findings.count, "finding")
      out += fixes(findings)
    }
    if !style.quiet, !report.unread.isEmpty {
      out += "\n| Not read | Why |\n|---|---|\n"
      for unread in report.unread.prefix(rows) {
        let place = Prose.place(of: unread)
        let file = MarkdownText.code(unread.file) + (place.isEmpty ? "" : " · " + MarkdownText.plain(place))
        out += "| \(file) | \(MarkdownText.plain(Prose.reason(of: unread))) |\n"
      }
      out += more(report.unread.count, "entry")
    }
    return out
  }

  private static func row(_ finding: Finding) -> String {
    let place = Prose.place(of: finding)
    let file = MarkdownText.code(finding.file) + (place.isEmpty ? "" : " · " + MarkdownText.plain(place))
    let message = MarkdownText.plain(finding.message)
    return "| \(finding.severity.rawValue) | \(MarkdownText.code(finding.rule)) | \(file) | \(message) |\n"
  }

  private static func more(_ total: Int, _ noun: String) -> String {
    guard total > rows else { return "" }
    return "\n… and \(total - rows) more; `--format json` has every \(noun).\n"
  }

  private static func fixes(_ findings: [Finding]) -> String {
    var seen: Set<String> = []
    let lines = findings.prefix(rows).compactMap { finding -> String? in
      guard !finding.fix.isEmpty, seen.insert(finding.rule).inserted else { return nil }
      return "- \(MarkdownText.code(finding.rule)): \(MarkdownText.plain(finding.fix))\n"
    }
    return lines.isEmpty ? "" : "\n**What to do**\n\n" + lines.joined()
  }
}

/// Text that Markdown shows as it is: no markup, links, mentions or cell breaks.
enum MarkdownText {
  static func plain(_ text: String) -> String {
    var out = ""
    for scalar in Plain.text(text).unicodeScalars {
      switch scalar {
      case "\\", "`", "*", "_", "[", "]", "|", "~": out += "\\" + String(scalar)
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "&": out += "&amp;"
      // Mentions, issue numbers and bare links.
      case "@": out += "&#64;"
      case "#": out += "&#35;"
      case "/" where out.hasSuffix(":") || out.hasSuffix("&#47;"): out += "&#47;"
      case "." where out.hasSuffix("www"): out += "&#46;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// A code span: longer backticks outside than inside, and no cell break.
  static func code(_ text: String) -> String {
    let shown = Plain.text(text, limit: 300)
    var longest = 0
    var run = 0
    for scalar in shown.unicodeScalars {
      run = scalar == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    let pad = shown.hasPrefix("`") || shown.hasSuffix("`") || shown.isEmpty ? " " : ""
    let cell = shown.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    return fence + pad + cell + pad + fence
  }
}
