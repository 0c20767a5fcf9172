import Foundation
import MScanFacts
import Testing

@testable import MScanReports

@Suite struct MachineFormatTests {
  static func parse(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func jsonIsTheContract() throws {
    let text = JSONReporter.render(Sample.full, style: ReportStyle())
    let document = try Self.parse(text)
    #expect(document["schema"] as? Int == 1)
    let findings = try #require(document["findings"] as? [[String: Any]])
    #expect(findings.count == 4)
    #expect(findings[1]["arguments"] as? [String] == ["echo x"])
    #expect(findings[1]["exact"] as? Bool == true)
    #expect(findings[2]["exact"] as? Bool == false)
    // The order of members, as the contract lists them.
    let keys = [
      "rule", "severity", "level", "precision", "message", "file", "chain", "place", "line", "column", "byteOffset",
      "byteLength", "exact", "subject", "arguments", "when", "count", "fingerprint", "suppressed", "fix",
    ]
    #expect(Set(findings[1].keys) == Set(keys))
    let places = keys.compactMap { text.range(of: "\n      \"\($0)\": ")?.lowerBound }
    #expect(places.count == keys.count && places == places.sorted())
    let summary = try #require(document["summary"] as? [String: Any])
    #expect(summary["verdict"] as? String == "do-not-load")
    #expect(summary["seconds"] as? Double == 0.012)
    #expect(summary["bySeverity"] as? [String: Int] == ["critical": 2, "high": 0, "medium": 1, "low": 1, "info": 0])
    #expect((document["lineage"] as? [String: Any])?["verdict"] as? String == "none")
    #expect((document["provenance"] as? [Any])?.isEmpty == true)
  }

  @Test func jsonIsLaidOutForPeople() {
    let expected = """
      {
        "schema": 1,
        "tool": {
          "name": "mscan-lint",
          "version": "0.1.0",
          "rules": "0123456789abcdef"
        },
        "findings": [],
        "unread": [],
        "provenance": [],
        "lineage": {
          "declared": [],
          "inferred": [],
          "verdict": "none"
        },
        "summary": {
          "files": 2,
          "artifacts": 2,
          "bytes": 812,
          "bytesRead": 812,
          "verdict": "clean",
          "bySeverity": {
            "critical": 0,
            "high": 0,
            "medium": 0,
            "low": 0,
            "info": 0
          },
          "seconds": 0.000
        }
      }

      """
    #expect(JSONReporter.render(Sample.clean, style: ReportStyle()) == expected)
  }

  @Test func ndjsonHasATypeOnEachLine() throws {
    let lines = NDJSONReporter.render(Sample.full, style: ReportStyle()).split(separator: "\n").map(String.init)
    let types = try lines.map { try Self.parse($0)["type"] as? String }
    #expect(types == ["finding", "finding", "finding", "finding", "unread", "lineage", "summary"])
  }

  @Test(arguments: ["json", "ndjson", "sarif"])
  func hostileTextSurvivesJSON(format: String) throws {
    let reporter = try #require(ReporterList.named(format))
    let text = reporter.render(Sample.hostileReport, style: ReportStyle())
    for line in format == "ndjson" ? text.split(separator: "\n").map(String.init) : [text] { _ = try Self.parse(line) }
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || Plain.isPlain($0) })
    if format == "json" {
      let findings = try #require(try Self.parse(text)["findings"] as? [[String: Any]])
      #expect(findings[0]["file"] as? String == Sample.hostile)
    }
  }

  @Test(arguments: ["text", "github", "markdown", "junit", "html"])
  func hostileTextStaysOnItsLine(format: String) throws {
    let reporter = try #require(ReporterList.named(format))
    let text = reporter.render(Sample.hostileReport, style: ReportStyle())
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || Plain.isPlain($0) })
    switch format {
    case "github":
      #expect(text.split(separator: "\n").count == 3)
      #expect(text.contains("title=critical%3A process-spawn::"))
    case "markdown":
      #expect(text.contains("&lt;b&gt;") && text.contains("&#64;<!-- -->all"))
      let rows = text.split(separator: "\n").filter { $0.hasPrefix("| critical") }
      // Five bars that divide cells; every other one is escaped.
      #expect(rows.first?.replacing("\\|", with: "").count { $0 == "|" } == 5)
    case "html":
      #expect(!text.contains("<b>") && text.contains("&lt;b&gt;") && text.contains("default-src 'none'"))
    case "junit":
      #expect(!text.contains("<b>") && text.contains("&lt;b&gt;"))
      let parser = XMLParserProbe(text)
      #expect(parser.isWellFormed)
    default: break
    }
  }

  @Test func githubAnnotatesWorstFirst() {
    let lines = GitHubReporter.render(Sample.full, style: ReportStyle()).split(separator: "\n")
    #expect(
      lines[0] == """
        ::error file=a b/pytorch_model.bin,line=1,col=1,title=critical%3A process-spawn::'os.system' is invoked with \
        echo x. (archive/data.pkl · opcode 6 · byte 86) Do not load it. Ask its publisher for safetensors.
        """)
    #expect(
      lines.map { $0.prefix(9) } == ["::error f", "::error f", "::warning", "::notice ", "::warning", "Do not lo"])
  }

  @Test func markdownBoundsItsRows() {
    var report = Sample.full
    report.findings = Array(repeating: report.findings[1], count: 400)
    let text = MarkdownReporter.render(report, style: ReportStyle())
    #expect(text.hasPrefix("### mscan-lint: do not load\n"))
    #expect(text.contains("… and 300 more"))
    #expect(text.split(separator: "\n").count { $0.hasPrefix("| critical") } == MarkdownReporter.rows)
    #expect(text.split(separator: "\n").count { $0.hasPrefix("- `process-spawn`") } == 1)
  }

  @Test func markdownStaysBelowWhatACommentHolds() {
    var report = Sample.hostileReport
    let hostile = String(repeating: "@<#|/", count: 300)
    report.findings[0].message = hostile
    report.findings[0].file = hostile
    report.findings[0].fix = hostile
    report.findings = Array(repeating: report.findings[0], count: 90)
    for index in report.findings.indices { report.findings[index].fix += String(index) }
    report.unread = Array(
      repeating: Unread(file: hostile, chain: [hostile], reason: hostile, detail: hostile), count: 90)
    let text = MarkdownReporter.render(report, style: ReportStyle())
    #expect(text.utf16.count < 65_536)
    let shown = text.split(separator: "\n").count { $0.hasPrefix("| critical") }
    #expect(shown > 0 && text.contains("… and \(90 - shown) more; `--format json` has every finding."))
    #expect(text.contains("has every entry."))
  }

  @Test(arguments: [
    ("a.pkl", "`a.pkl`"), ("a_b*.pkl", "`a_b*.pkl`"), ("", "<code></code>"), ("a|b", "<code>a\\|b</code>"),
    ("a\\|[x](y)", "<code>a\\\\\\|\\[x\\](y)</code>"), ("a`b", "<code>a\\`b</code>"),
  ])
  func markdownCodeKeepsItsCell(text: String, expected: String) { #expect(MarkdownText.code(text) == expected) }

  @Test func markdownMentionsNobody() {
    #expect(MarkdownText.plain("@all #1 $x$") == "&#64;<!-- -->all &#35;<!-- -->1 <span>$</span>x<span>$</span>")
  }

  @Test func jsonKeepsTwoHashes() throws {
    var report = Sample.full
    report.findings[0].message = "###[error]"
    let text = JSONReporter.render(report, style: ReportStyle())
    #expect(text.contains("\"#\\u0023#[error]\""))
    let findings = try #require(try Self.parse(text)["findings"] as? [[String: Any]])
    #expect(findings[0]["message"] as? String == "###[error]")
  }

  @Test func htmlShowsWhatTextDoes() {
    let text = HTMLReporter.render(Sample.full, style: ReportStyle())
    #expect(text.contains("<h1 class=\"do-not-load\">Do not load: 2 critical"))
    #expect(text.contains("<pre>os.system(&quot;echo x&quot;)</pre>"))
    #expect(text.contains("<h2>Not read</h2>"))
    #expect(text.split(separator: "\n").count { $0.hasPrefix("<article>") } == 5)
    #expect(!HTMLReporter.render(Sample.full, style: ReportStyle(quiet: true)).contains("Not read"))
  }

  @Test func junitFailsWhatCounts() {
    var report = Sample.full
    report.findings[2].suppression = "looked at"
    let text = JUnitReporter.render(report, style: ReportStyle(failOn: .high))
    #expect(text.contains("tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"1\" time=\"0.012\""))
    #expect(text.contains("<skipped message=\"looked at\"/>"))
    #expect(text.split(separator: "\n").count { $0.contains("<failure") } == 1)
    let never = JUnitReporter.render(Sample.full, style: ReportStyle(failOn: nil))
    #expect(never.contains("failures=\"0\""))
    #expect(JUnitReporter.render(Sample.clean, style: ReportStyle()).contains("tests=\"1\" failures=\"0\""))
  }

  @Test func suppressedFindingsDoNotShout() {
    var report = Sample.full
    for index in report.findings.indices { report.findings[index].suppression = "known" }
    for reporter in [TextReporter.self, GitHubReporter.self, MarkdownReporter.self, HTMLReporter.self]
      as [any Reporter.Type]
    {
      let text = reporter.render(report, style: ReportStyle())
      #expect(!text.contains("process-spawn"), "\(reporter.name)")
      #expect(text.contains("4 suppressed"), "\(reporter.name)")
    }
  }

  @Test func sameReportSameBytes() {
    for reporter in ReporterList.all {
      let first = reporter.render(Sample.full, style: ReportStyle())
      #expect(first == reporter.render(Sample.full, style: ReportStyle()))
      #expect(first.hasSuffix("\n"))
    }
  }
}

/// Whether tags nest and no bare `<` or `&` stands in the text: all the XML that the reporter writes.
struct XMLParserProbe {
  var isWellFormed: Bool

  init(_ text: String) {
    var open: [Substring] = []
    var rest = text[...]
    isWellFormed = false
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { return }
      let tag = rest[rest.index(after: start)..<end]
      let name = tag.drop { $0 == "/" }.prefix { $0 != " " && $0 != "/" }
      if tag.hasPrefix("/") {
        guard open.popLast() == name else { return }
      } else if !tag.hasSuffix("/"), !tag.hasPrefix("?") {
        open.append(name)
      }
      if tag.contains("<") || tag.filter({ $0 == "\"" }).count % 2 == 1 { return }
      rest = rest[rest.index(after: end)...]
    }
    let entities = text.split(separator: "&").dropFirst()
    isWellFormed =
      open.isEmpty && entities.allSatisfy { piece in ["amp;", "lt;", "gt;", "quot;"].contains { piece.hasPrefix($0) } }
  }
}
