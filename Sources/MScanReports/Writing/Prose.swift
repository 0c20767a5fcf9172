import MScanFacts

/// Small things said in several formats.
enum Prose {
  /// `1 file`, `2 files`.
  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// Bytes in decimal units: `812 B`, `45 KB`, `3.1 GB`.
  static func size(_ bytes: Int) -> String {
    var unit = 1
    for name in ["B", "KB", "MB", "GB", "TB"] {
      let (next, overflow) = unit.multipliedReportingOverflow(by: 1000)
      if overflow || bytes < next || name == "TB" {
        let tenths = unit == 1 ? bytes * 10 : bytes / (unit / 10)
        return unit == 1 || tenths >= 100 ? "\(tenths / 10) \(name)" : "\(tenths / 10).\(tenths % 10) \(name)"
      }
      unit = next
    }
    return "\(bytes) B"
  }

  /// Thousandths of a second; 0 for a time that is no number.
  static func milliseconds(_ seconds: Double) -> Int {
    guard seconds.isFinite, seconds > 0, seconds < 1e12 else { return 0 }
    return Int((seconds * 1000).rounded())
  }

  /// `0.01 s`, never less.
  static func time(_ seconds: Double) -> String {
    let hundredths = max(1, (milliseconds(seconds) + 5) / 10)
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
  }

  /// `1 critical, 2 low`; empty when nothing counts.
  static func severities(of report: ScanReport) -> String {
    Severity.allCases.reversed()
      .map { ($0, report.count(of: $0)) }
      .filter { $0.1 > 0 }
      .map { "\($0.1) \($0.0.rawValue)" }
      .joined(separator: ", ")
  }

  /// What to make of the whole scan, in one line of plain text.
  static func verdict(of report: ScanReport) -> String {
    let summary = report.summary
    if summary.files == 0, report.findings.isEmpty, report.unread.isEmpty {
      return "Nothing was scanned: no files were found."
    }
    var found = [severities(of: report)].filter { !$0.isEmpty }
    if !report.unread.isEmpty { found.append("\(report.unread.count) not read") }
    let suppressed = report.findings.count { $0.isSuppressed }
    if suppressed > 0 { found.append("\(suppressed) suppressed") }
    let scope =
      "\(count(summary.files, "file")) (\(count(summary.artifacts, "artifact"))), "
      + "\(size(summary.bytesRead)) read, \(time(summary.seconds))"
    let list = found.joined(separator: ", ")
    return headline(report) + ": " + (list.isEmpty ? scope : "\(list) in \(scope)")
  }

  static func headline(_ report: ScanReport) -> String {
    switch report.verdict {
    case .doNotLoad: "Do not load"
    case .review: "Review before loading"
    case .clean: report.active.isEmpty ? "Clean" : "Notes only"
    case .incomplete: "Incomplete"
    }
  }

  /// `archive/data.pkl · opcode 6 · byte 86`; the file's own name is left to the caller.
  static func place(of finding: Finding) -> String {
    var steps = finding.chain.map { Plain.text($0, limit: 200) }
    let place = Plain.text(finding.place, limit: 200)
    if finding.isText {
      steps.append("line \(finding.line), column \(finding.column)")
      if place != "file", place != "\(finding.line):\(finding.column)" { steps.append(place) }
    } else {
      if place != "file" { steps.append(place) }
      if finding.exact {
        if place != "file" || !finding.chain.isEmpty { steps.append("byte \(finding.byteOffset)") }
      } else {
        steps.append("\(size(finding.byteLength)) packed at byte \(finding.byteOffset)")
      }
    }
    if finding.count > 1 { steps.append("\(finding.count) times") }
    return steps.joined(separator: " · ")
  }

  /// Where something was not read, without the file's name: `archive/data.pkl · byte 12`.
  static func place(of unread: Unread) -> String {
    var steps = unread.chain.map { Plain.text($0, limit: 200) }
    if unread.byteOffset > 0 { steps.append("byte \(unread.byteOffset)") }
    return steps.joined(separator: " · ")
  }

  /// `truncated: opcode at byte 12`.
  static func reason(of unread: Unread) -> String {
    let detail = Plain.text(unread.detail)
    return Plain.text(unread.reason, limit: 80) + (detail.isEmpty ? "" : ": " + detail)
  }
}
