public import MScanFacts

/// For people: files with the worst findings first, then what was not read, then one line to act on.
public enum TextReporter: Reporter {
  public static let name = "text"

  /// Columns of wrapped prose.
  static let width = 100
  /// Low and informative findings of one rule shown for each file.
  static let foldedAfter = 5

  public static func render(_ report: ScanReport, style: ReportStyle) -> String {
    let paint = Paint(isOn: style.color)
    let kinds = Dictionary(report.rules.map { ($0.id, $0.kind) }) { first, _ in first }
    var out = ""
    let groups = FileGroup.groups(of: report.active)
    // Files are sorted by their worst finding, so those with nothing but notes come last.
    let firstNote = groups.firstIndex { $0.worst == .info } ?? groups.count
    for group in groups.prefix(firstNote + foldedAfter) {
      out += paint.bold(Plain.text(group.file, limit: 1000)) + "\n"
      var told: [String: Int] = [:]
      var fixes: Set<[String]> = []
      for finding in group.findings {
        let before = told[finding.rule, default: 0]
        told[finding.rule] = before + 1
        if finding.severity <= .low, before >= foldedAfter { continue }
        let isNews = fixes.insert([finding.rule, finding.fix]).inserted
        out += entry(finding, isCall: kinds[finding.rule] == .callable, withFix: isNews, paint)
      }
      for (finding, more) in group.folded(told) {
        out +=
          "  " + paint.dim("… and \(more) more of \(Plain.text(finding.rule)) (\(finding.severity.rawValue))") + "\n"
      }
      out += "\n"
    }
    let hidden = groups.dropFirst(firstNote + foldedAfter)
    if !hidden.isEmpty {
      let notes = hidden.reduce(0) { $0 + $1.findings.count }
      let more = "… and \(notes) notes (info) in \(hidden.count) more files; --format json lists them all"
      out += paint.dim(more) + "\n\n"
    }
    if !style.quiet { out += ProvenanceText.section(report, paint) + unread(report.unread, paint) }
    return Plain.withoutCommands(out) + paint.verdict(Prose.verdict(of: report), report.verdict) + "\n"
  }

  private static func entry(_ finding: Finding, isCall: Bool, withFix: Bool, _ paint: Paint) -> String {
    let place = Prose.place(of: finding)
    var text = "  \(paint.severity(finding.severity)) \(paint.bold(Plain.text(finding.rule)))"
    text += (place.isEmpty ? "" : "  " + paint.dim(place)) + "\n"
    text += wrapped(Plain.text(finding.message, limit: 1000), indent: "    ")
    if finding.severity > .low, isCall {
      if let call = Call.text(of: finding, limit: width - 6) { text += "    > \(call)\n" }
      if !finding.when.isEmpty { text += wrapped("Runs in: \(runs(finding))", indent: "    ") }
      if !finding.flow.isEmpty { text += wrapped("Way there: \(way(to: finding))", indent: "    ") }
    }
    if withFix, !finding.fix.isEmpty { text += wrapped("Fix: " + Plain.text(finding.fix, limit: 1000), indent: "    ") }
    return text
  }

  private static func runs(_ finding: Finding) -> String {
    let loaders = finding.when.map { Plain.text($0, limit: 80) }.joined(separator: ", ")
    let refusers = finding.refusedBy.map { Plain.text($0, limit: 80) }.joined(separator: ", ")
    return refusers.isEmpty ? loaders : "\(loaders) (\(refusers) refuses it)"
  }

  /// `config.json: auto_map.AutoModel → modeling_x.py:3 imports helper → helper.py:9 the module calls run`.
  private static func way(to finding: Finding) -> String {
    finding.flow.dropLast().map { step in
      let place = step.line > 0 ? "\(step.file):\(step.line)" : step.file
      return Plain.text(place, limit: 200) + " " + Plain.text(step.message, limit: 200)
    }.joined(separator: " → ")
  }

  private static func unread(_ unread: [Unread], _ paint: Paint) -> String {
    guard !unread.isEmpty else { return "" }
    var text = paint.bold("Not read") + "\n"
    for item in unread {
      let place = Prose.place(of: item)
      text += "  " + Plain.text(item.file, limit: 1000) + (place.isEmpty ? "" : "  " + paint.dim(place)) + "\n"
      text += wrapped(Prose.reason(of: item), indent: "    ")
    }
    return text + "\n"
  }

  /// Lines of at most ``width`` columns, broken at spaces.
  static func wrapped(_ text: String, indent: String) -> String {
    var lines = ""
    var line = indent
    var length = indent.count
    for word in text.split(separator: " ", omittingEmptySubsequences: true) {
      let needed = word.count + (length > indent.count ? 1 : 0)
      if length > indent.count, length + needed > width {
        lines += line + "\n"
        line = indent
        length = indent.count
      }
      if length > indent.count {
        line += " "
        length += 1
      }
      line += word
      length += word.count
    }
    return length > indent.count ? lines + line + "\n" : lines
  }
}

/// The findings of one file, worst first.
struct FileGroup {
  var file: String
  var findings: [Finding]

  var worst: Severity { findings.first?.severity ?? .info }

  /// Files with the worst findings first, then by path; the findings of a rule stay together.
  static func groups(of findings: [Finding]) -> [FileGroup] {
    var order: [String] = []
    var byFile: [String: [Finding]] = [:]
    for finding in findings {
      if byFile[finding.file] == nil { order.append(finding.file) }
      byFile[finding.file, default: []].append(finding)
    }
    let groups = order.map { file in
      let own = byFile[file] ?? []
      var first: [String: Int] = [:]
      for (index, finding) in own.enumerated() where first[finding.rule] == nil { first[finding.rule] = index }
      let sorted = own.enumerated().sorted { a, b in
        let (one, two) = (a.element, b.element)
        if one.severity != two.severity { return one.severity > two.severity }
        let (left, right) = (first[one.rule] ?? 0, first[two.rule] ?? 0)
        return left != right ? left < right : a.offset < b.offset
      }
      return FileGroup(file: file, findings: sorted.map(\.element))
    }
    return groups.enumerated()
      .sorted { a, b in
        a.element.worst != b.element.worst ? a.element.worst > b.element.worst : a.offset < b.offset
      }
      .map(\.element)
  }

  /// Rules with more findings than are shown, and how many are left out.
  func folded(_ told: [String: Int]) -> [(finding: Finding, more: Int)] {
    var seen: Set<String> = []
    return findings.compactMap { finding in
      guard finding.severity <= .low, seen.insert(finding.rule).inserted else { return nil }
      let more = (told[finding.rule] ?? 0) - TextReporter.foldedAfter
      return more > 0 ? (finding, more) : nil
    }
  }
}

/// Colours of a terminal.
struct Paint {
  var isOn: Bool

  func bold(_ text: String) -> String { wrap(text, "1") }
  func dim(_ text: String) -> String { wrap(text, "2") }
  func severity(_ severity: Severity) -> String { wrap(severity.rawValue, Self.code(severity)) }

  func verdict(_ text: String, _ verdict: ScanReport.Verdict) -> String {
    switch verdict {
    case .doNotLoad: wrap(text, Self.code(.critical))
    case .review, .incomplete: wrap(text, Self.code(.medium))
    case .clean: wrap(text, "32")
    }
  }

  private static func code(_ severity: Severity) -> String {
    switch severity {
    case .critical: "1;31"
    case .high: "31"
    case .medium: "33"
    case .low: "36"
    case .info: "2"
    }
  }

  private func wrap(_ text: String, _ code: String) -> String {
    isOn && !text.isEmpty ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
