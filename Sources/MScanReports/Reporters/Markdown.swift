public import MScanFacts

/// A comment for a pull request. GitHub refuses one of more than 65,536 characters, and a file could ask for that, so
/// rows are bounded in number and in length; the rest is counted.
public enum MarkdownReporter: Reporter {
  public static let name = "markdown"

  /// Rows of one table.
  static let rows = 100
  /// Bytes of UTF-8, at least as many as characters. What is left below GitHub's bound takes the fixed lines.
  static let findingBytes = 40_000
  static let fixBytes = 10_000
  static let unreadBytes = 10_000

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
      let (table, shown) = bounded(findings, bytes: findingBytes, row)
      out += table + more(findings.count - shown, "finding") + fixes(findings.prefix(shown))
    }
    if !style.quiet, !report.unread.isEmpty {
      out += "\n| Not read | Why |\n|---|---|\n"
      let (table, shown) = bounded(report.unread, bytes: unreadBytes, row)
      out += table + more(report.unread.count - shown, "entry")
    }
    return out
  }

  /// The first rows that fit, and how many they are.
  private static func bounded<Item>(_ items: [Item], bytes: Int, _ row: (Item) -> String) -> (text: String, shown: Int)
  {
    var text = ""
    var shown = 0
    for item in items.prefix(rows) {
      let next = row(item)
      guard text.utf8.count + next.utf8.count <= bytes else { break }
      text += next
      shown += 1
    }
    return (text, shown)
  }

  private static func row(_ finding: Finding) -> String {
    let place = Prose.place(of: finding)
    let file = MarkdownText.code(finding.file) + (place.isEmpty ? "" : " · " + MarkdownText.plain(place))
    let message = MarkdownText.plain(finding.message)
    return "| \(finding.severity.rawValue) | \(MarkdownText.code(finding.rule)) | \(file) | \(message) |\n"
  }

  private static func row(_ unread: Unread) -> String {
    let place = Prose.place(of: unread)
    let file = MarkdownText.code(unread.file) + (place.isEmpty ? "" : " · " + MarkdownText.plain(place))
    return "| \(file) | \(MarkdownText.plain(Prose.reason(of: unread))) |\n"
  }

  private static func more(_ left: Int, _ noun: String) -> String {
    left > 0 ? "\n… and \(left) more; `--format json` has every \(noun).\n" : ""
  }

  private static func fixes(_ findings: some Sequence<Finding>) -> String {
    var seen: Set<[String]> = []
    let news = findings.filter { !$0.fix.isEmpty && seen.insert([$0.rule, $0.fix]).inserted }
    let (lines, _) = bounded(news, bytes: fixBytes) { finding in
      "- \(MarkdownText.code(finding.rule)): \(MarkdownText.plain(finding.fix))\n"
    }
    return lines.isEmpty ? "" : "\n**What to do**\n\n" + lines
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
      // Mentions and issue numbers are looked for after the entities are read: only something between ends them.
      case "@": out += "&#64;<!-- -->"
      case "#": out += "&#35;<!-- -->"
      // Formulas, which could draw what they like.
      case "$": out += "<span>$</span>"
      // Bare links.
      case "/" where out.hasSuffix(":") || out.hasSuffix("&#47;"): out += "&#47;"
      case "." where out.hasSuffix("www"): out += "&#46;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// A code span. A backslash before a bar would undo the bar's own and end the cell, and with it the span: such texts,
  /// and those with backticks, go between tags.
  static func code(_ text: String) -> String {
    let shown = Plain.text(text, limit: 300)
    guard !shown.isEmpty, !shown.contains(where: { $0 == "`" || $0 == "|" || $0 == "\\" }) else {
      return "<code>\(plain(shown))</code>"
    }
    return "`\(shown)`"
  }
}
