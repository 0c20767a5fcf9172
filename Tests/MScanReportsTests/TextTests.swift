import MScanFacts
import Testing

@testable import MScanReports

@Suite struct TextTests {
  @Test func worstFirstWithPlaceCallAndFixOnce() {
    let expected = """
      a b/pytorch_model.bin
        critical process-spawn  archive/data.pkl · opcode 6 · byte 86
          'os.system' is invoked with echo x.
          > os.system("echo x")
          Runs in: pickle.load, torch.load
          Fix: Do not load it. Ask its publisher for safetensors.
        critical process-spawn  x/data.pkl · opcode 9 · 100 B packed at byte 400
          'os.system' is invoked with echo y.
          > os.system("echo y", 2)
          Runs in: pickle.load, torch.load
        low library-class  archive/data.pkl · opcode 2 · byte 70
          'collections.Counter' is named.
          Fix: Load it with weights_only=True.

      config.json
        medium remote-code  line 4, column 3 · /auto_map/AutoModel
          'auto_map.AutoModel' names modeling.Model.
          Fix: Read the Python file it names.

      Not read
        broken.pkl  inner.pkl · byte 12
          truncated: opcode at byte 12

      Do not load: 2 critical, 1 medium, 1 low, 1 not read in 12 files (31 artifacts), 45 KB read, 0.01 s

      """
    #expect(TextReporter.render(Sample.full, style: ReportStyle()) == expected)
  }

  @Test func quietKeepsFindingsAndVerdict() {
    let text = TextReporter.render(Sample.full, style: ReportStyle(quiet: true))
    #expect(text.contains("process-spawn"))
    #expect(!text.contains("Not read"))
    #expect(text.hasSuffix("0.01 s\n"))
  }

  @Test func verdicts() {
    var report = Sample.clean
    func verdict() -> String {
      TextReporter.render(report, style: ReportStyle()).split(separator: "\n").last.map(String.init) ?? ""
    }
    #expect(verdict() == "Clean: 2 files (2 artifacts), 812 B read, 0.01 s")
    report.unread = [Unread(file: "x", reason: "permission", detail: "")]
    #expect(verdict() == "Incomplete: 1 not read in 2 files (2 artifacts), 812 B read, 0.01 s")
    report.findings = Array(Sample.full.findings.suffix(1))
    #expect(verdict() == "Review before loading: 1 medium, 1 not read in 2 files (2 artifacts), 812 B read, 0.01 s")
    report.findings[0].suppression = "known"
    #expect(verdict() == "Incomplete: 1 not read, 1 suppressed in 2 files (2 artifacts), 812 B read, 0.01 s")
    report.unread = []
    #expect(verdict() == "Clean: 1 suppressed in 2 files (2 artifacts), 812 B read, 0.01 s")
    report.findings.append(Sample.full.findings[0])
    #expect(verdict() == "Notes only: 1 low, 1 suppressed in 2 files (2 artifacts), 812 B read, 0.01 s")
    report = ScanReport(toolVersion: "0.1.0", rulesVersion: "0")
    #expect(verdict() == "Nothing was scanned: no files were found.")
  }

  @Test func foldsLowFindingsOfOneRule() {
    var report = Sample.full
    report.findings = Array(repeating: report.findings[0], count: 9)
    let text = TextReporter.render(report, style: ReportStyle())
    #expect(text.split(separator: "\n").count { $0.contains("low library-class") } == TextReporter.foldedAfter)
    #expect(text.contains("\n  … and 4 more of library-class (low)\n"))
    report.findings = Array(repeating: Sample.full.findings[1], count: 9)
    #expect(!TextReporter.render(report, style: ReportStyle()).contains("more of"))
  }

  @Test func countsFilesWithNotesAlone() {
    var report = Sample.full
    report.findings = (0..<20).map { number in
      var finding = Sample.full.findings[0]
      finding.severity = .info
      finding.file = "f\(number).py"
      return finding
    }
    let text = TextReporter.render(report, style: ReportStyle())
    #expect(text.split(separator: "\n").count { $0.contains("info library-class") } == TextReporter.foldedAfter)
    #expect(text.contains("… and 15 notes (info) in 15 more files"))
  }

  @Test func colourOnlyWhenAsked() {
    #expect(!TextReporter.render(Sample.full, style: ReportStyle()).contains("\u{1b}"))
    let coloured = TextReporter.render(Sample.full, style: ReportStyle(color: true))
    #expect(coloured.contains("\u{1b}[1;31mcritical\u{1b}[0m"))
  }

  @Test func wrapsAtTheWidth() {
    let text = TextReporter.wrapped(String(repeating: "word ", count: 60), indent: "    ")
    let lines = text.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines.allSatisfy { $0.count <= TextReporter.width && $0.hasPrefix("    w") })
    #expect(TextReporter.wrapped(String(repeating: "x", count: 300), indent: "  ").count == 303)
    #expect(TextReporter.wrapped("", indent: "  ") == "")
  }

  @Test func tellsEachFixOnce() {
    var report = Sample.full
    report.findings = Array(repeating: report.findings[1], count: 3)
    report.findings[2].fix = "Another way out."
    let text = TextReporter.render(report, style: ReportStyle())
    #expect(text.split(separator: "\n").count { $0.contains("Fix: ") } == 2)
    #expect(text.contains("Fix: Another way out."))
  }

  @Test func noLineIsACommandForABuildServer() {
    var report = Sample.full
    let word = String(repeating: "x", count: TextReporter.width - 8)
    report.findings = [report.findings[1]]
    report.findings[0].file = "::add-mask::critical"
    report.findings[0].message = "##[error]a ##vso[task.complete]b \(word) ::warning::c ::d"
    report.unread = [Unread(file: "::stop-commands::x", reason: "::error::y", detail: "")]
    for color in [false, true] {
      let text = TextReporter.render(report, style: ReportStyle(color: color))
      #expect(!text.contains("##"))
      #expect(!text.split(separator: "\n").contains { $0.drop { $0 == " " }.hasPrefix("::") })
      #expect(text.contains("warning::c ::d"))
    }
    #expect(TextReporter.render(report, style: ReportStyle()).hasPrefix("\\u{3a}:add-mask::critical\n"))
    for reporter in ReporterList.all {
      #expect(!reporter.render(report, style: ReportStyle()).contains("##["), "\(reporter.name)")
    }
  }

  @Test func countsRepeats() {
    var report = Sample.full
    report.findings = [report.findings[1]]
    report.findings[0].count = 3
    #expect(TextReporter.render(report, style: ReportStyle()).contains("byte 86 · 3 times\n"))
  }

  @Test(arguments: [
    (["echo x"], "f(\"echo x\")"), (["1", "True", "-2.5"], "f(1, True, -2.5)"),
    (["[1, 2]", "b'x'"], "f([1, 2], b'x')"),
    (["ls", "shell=True"], "f(\"ls\", shell=True)"), (["say \"hi\"\n"], "f(\"say \\\"hi\\\"\\n\")"),
    (["a)\u{1b}"], "f(\"a)\\u{1b}\")"), ([""], "f(\"\")"),
    // Code ends in brackets as well, and is a text.
    (["import os; os.system('id')"], "f(\"import os; os.system('id')\")"),
    (["__import__('os').system('id')"], "f(\"__import__('os').system('id')\")"),
    (["x=1;import os", "nan", "0x10", "<b>"], "f(\"x=1;import os\", \"nan\", \"0x10\", \"<b>\")"),
    (["sh('", "1e5", "1.", ")"], "f(\"sh('\", 1e5, 1., \")\")"),
    (
      ["os.getcwd()", "bytearray(…)", "cwd='/'", "<float>", "a()"],
      "f(os.getcwd(), bytearray(…), cwd='/', <float>, \"a()\")"
    ),
  ])
  func writesCalls(arguments: [String], expected: String) {
    var finding = Sample.full.findings[1]
    finding.subject = "f"
    finding.arguments = arguments
    #expect(Call.text(of: finding) == expected)
  }

  @Test(arguments: [
    (0, "0 B"), (812, "812 B"), (1000, "1.0 KB"), (45_123, "45 KB"), (3_149_000, "3.1 MB"), (13_000_000_000, "13 GB"),
    (Int.max, "9223372 TB"),
  ])
  func writesSizes(bytes: Int, expected: String) { #expect(Prose.size(bytes) == expected) }

  @Test(arguments: [(0.0, "0.01 s"), (0.0149, "0.02 s"), (12.3, "12.30 s"), (.nan, "0.01 s"), (-1, "0.01 s")])
  func writesTimes(seconds: Double, expected: String) { #expect(Prose.time(seconds) == expected) }
}
