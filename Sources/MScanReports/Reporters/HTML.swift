public import MScanFacts

/// One page to look at or to send: nothing in it is fetched or run, and it says so to the browser.
public enum HTMLReporter: Reporter {
  public static let name = "html"

  /// Findings on the page; a browser takes many more, a reader does not.
  static let limit = 2000

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    var out = head(report)
    let findings = report.active
    for group in FileGroup.groups(of: Array(worst(findings))) { out += section(group) }
    if findings.count > limit {
      out += "<p>… and \(findings.count - limit) more; <code>--format json</code> has every finding.</p>\n"
    }
    out += lineage(report.lineage)
    if !style.quiet, !report.unread.isEmpty { out += unread(report.unread) }
    out +=
      "<footer>\(HTMLText.plain("\(report.toolName) \(report.toolVersion), rules \(report.rulesVersion)"))</footer>\n"
    return out + "</main></body></html>\n"
  }

  private static func worst(_ findings: [Finding]) -> some Sequence<Finding> {
    findings.enumerated()
      .sorted { a, b in
        a.element.severity != b.element.severity ? a.element.severity > b.element.severity : a.offset < b.offset
      }
      .prefix(limit).sorted { $0.offset < $1.offset }.map(\.element)
  }

  private static func head(_ report: ScanReport) -> String {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>mscan-lint: \(Prose.headline(report).lowercased())</title>
    <style>
    :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
    h1 { font-size: 1.3rem; border-left: .4rem solid; padding-left: .7rem; }
    h2 { font-size: 1rem; margin-top: 2rem; overflow-wrap: anywhere; }
    article { border-top: 1px solid #8886; padding: .6rem 0; }
    article p { margin: .2rem 0; overflow-wrap: anywhere; }
    code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
    pre { margin: .3rem 0; padding: .4rem .6rem; background: #8882; white-space: pre-wrap; overflow-wrap: anywhere; }
    .place, footer { opacity: .7; font-size: .9em; }
    .critical, .do-not-load { color: #c4001a; } .high { color: #d4380d; } .medium, .review, .incomplete { color: #b07d00; }
    .low { color: #0a7ea4; } .clean { color: #1a7f37; }
    </style></head>
    <body><main>
    <h1 class="\(report.verdict.rawValue)">\(HTMLText.plain(Prose.verdict(of: report)))</h1>

    """
  }

  private static func section(_ group: FileGroup) -> String {
    var out = "<section><h2>\(HTMLText.plain(group.file))</h2>\n"
    var told: Set<[String]> = []
    for finding in group.findings {
      out += article(finding, withFix: told.insert([finding.rule, finding.fix]).inserted)
    }
    return out + "</section>\n"
  }

  private static func article(_ finding: Finding, withFix: Bool) -> String {
    let place = HTMLText.plain(Prose.place(of: finding))
    var out = "<article><p><strong class=\"\(finding.severity.rawValue)\">\(finding.severity.rawValue)</strong> "
    out += "<strong>\(HTMLText.plain(finding.rule))</strong> <span class=\"place\">\(place)</span></p>\n"
    out += "<p>\(HTMLText.plain(finding.message))</p>\n"
    if let call = Call.text(of: finding) { out += "<pre>\(HTMLText.plain(call))</pre>\n" }
    if !finding.when.isEmpty { out += "<p>Runs in: \(HTMLText.plain(finding.when.joined(separator: ", ")))</p>\n" }
    if withFix, !finding.fix.isEmpty { out += "<p><strong>Fix:</strong> \(HTMLText.plain(finding.fix))</p>\n" }
    return out + "</article>\n"
  }

  /// Where the models come from, as far as anything is said or found.
  private static func lineage(_ lineage: LineageReport) -> String {
    guard !lineage.declared.isEmpty || !lineage.inferred.isEmpty else { return "" }
    var out = "<section><h2>Where the models come from</h2>\n"
    for model in lineage.models.prefix(limit) {
      let name = HTMLText.plain(model.child)
      out += "<article><p><strong>\(name)</strong> <span class=\"place\">\(model.verdict.rawValue)</span></p>\n"
      for note in model.notes { out += "<p>\(HTMLText.plain(note))</p>\n" }
      for edge in lineage.inferred where edge.child == model.child {
        let how = edge.variant.isEmpty ? edge.operation : "\(edge.operation), \(edge.variant)"
        let text = "weights: \(how) of \(edge.parent) (\(edge.confidence / 10)% sure): "
        out += "<p>\(HTMLText.plain(text + edge.evidence.joined(separator: "; ")))</p>\n"
      }
      for edge in lineage.declared where edge.child == model.child {
        let how = edge.operation.isEmpty ? "made from" : "\(edge.operation) of"
        out += "<p>\(HTMLText.plain("says: \(how) \(edge.parent) (\(edge.source))"))</p>\n"
      }
      if !model.riskVector.isEmpty {
        let score = "risk: \(model.risk / 10).\(model.risk % 10) of 10 (\(model.riskVector)); "
        out += "<p>\(HTMLText.plain(score + model.riskReasons.joined(separator: "; ")))</p>\n"
      }
      out += "</article>\n"
    }
    return out + "</section>\n"
  }

  private static func unread(_ unread: [Unread]) -> String {
    var out = "<section><h2>Not read</h2>\n"
    for item in unread.prefix(limit) {
      let place = Prose.place(of: item)
      out += "<article><p>\(HTMLText.plain(item.file)) <span class=\"place\">\(HTMLText.plain(place))</span></p>"
      out += "<p>\(HTMLText.plain(Prose.reason(of: item)))</p></article>\n"
    }
    if unread.count > limit { out += "<p>… and \(unread.count - limit) more.</p>\n" }
    return out + "</section>\n"
  }
}

/// Text as HTML and XML take it, in content and between double quotes.
enum HTMLText {
  static func plain(_ text: String, limit: Int = 2000) -> String {
    var out = ""
    for scalar in Plain.text(text, limit: limit).unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
