import Foundation
import Testing

@Suite struct ExitCodeTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.write("bad/model.pkl", Sample.spawn)
    try tool.write("good/model.pkl", Sample.harmless)
    try tool.write("good/README.md", "# A model\n")
    try tool.write("cut/model.pkl", Sample.cut)
  }

  @Test(arguments: [
    (["good"], 0), (["scan", "good"], 0), (["bad"], 1), (["--fail-on", "high", "cut"], 2), (["bad", "cut"], 1),
    (["nowhere"], 2),
    (["bad", "nowhere"], 1), (["--fail-on", "never", "bad"], 0), (["--fail-on", "never", "cut"], 2),
    (["--fail-on", "critical", "bad"], 1), (["--ignore", "process-spawn", "bad"], 0),
    (["--select", "code-eval", "bad"], 0), (["--select", "process-spawn", "bad"], 1), ([], 64),
    (["--fail-on", "urgent", "bad"], 64), (["--format", "yaml", "bad"], 64), (["--no-such-option", "bad"], 64),
    (["--ignore", "proces-spawn", "bad"], 64), (["--select", "nothing-like-it", "bad"], 64),
    (["--jobs", "0", "good"], 64), (["--config", "gone.yaml", "good"], 64), (["--baseline", "gone.json", "good"], 64),
    (["--rules", "gone", "good"], 64), (["--max-depth", "0", "good"], 64), (["--max-member-bytes", "1X", "good"], 64),
    (["--max-member-bytes", "64M", "good"], 0), (["--output", "gone/report.json", "good"], 2),
    (["--format", "json", "--format", "sarif", "good"], 64), (["explain", "process-spawn"], 0),
    (["explain", "proces-spawn"], 64), (["rules", "list"], 0), (["rules", "check", "gone"], 64), (["--version"], 0),
    (["--help"], 0), (["completions", "bash"], 0), (["completions", "zsh"], 0), (["completions", "fish"], 0),
    (["completions", "tcsh"], 64), (["facts", "bad"], 0), (["facts", "cut"], 2), (["facts"], 64),
  ])
  func exitCodes(arguments: [String], expected: Int) throws {
    let result = try tool.run(arguments)
    #expect(Int(result.status) == expected, "\(result.text)\(result.errors)")
  }

  @Test func aGroupOfRulesIsTurnedOn() throws {
    try tool.write("card/README.md", "---\nlicense: mit\n---\n# A model\n")
    try tool.write("card/config.json", "{}")
    #expect(!(try tool.run("card").text.contains("card-")))
    let selected = try tool.run("--select", "quality", "card")
    #expect(selected.text.contains("card-score") && selected.text.contains("1 of 3: performance, datasets missing"))
    #expect(selected.status == 0)
    #expect(try tool.run("--select", "quality", "--ignore", "card-score", "card", "bad").status == 1)
    #expect(!(try tool.run("--select", "quality,code-eval", "bad").text.contains("process-spawn")))
  }

  @Test func mistakesAreAnswered() throws {
    #expect(try tool.run("--ignore", "proces-spawn", "bad").errors.contains("did you mean \"process-spawn\"?"))
    #expect(try tool.run("explain", "proces-spawn").errors.contains("did you mean \"process-spawn\"?"))
    #expect(try tool.run("--format", "jsn", "bad").errors.contains("json"))
  }

  @Test func standardOutputHoldsTheReportAlone() throws {
    let result = try tool.run("--format", "json", "bad", "nowhere")
    #expect(try result.json()["schema"] as? Int == 1)
    #expect(result.errors.isEmpty)
  }

  @Test func aClosedPipeIsNoFailure() throws {
    for number in 0..<200 { try tool.write("many/\(number).pkl", Sample.spawn) }
    #expect(try tool.shell("$TOOL facts many | head -n 1 > /dev/null") == 0)
    #expect(try tool.shell("($TOOL facts many; echo $? > status) | head -n 1 > /dev/null") == 0)
    #expect(try tool.read("status") == "0\n")
  }

  @Test func aFullDiskIsAFailure() throws {
    #expect(try tool.shell("$TOOL --format json bad > /dev/full 2> /dev/null") == 2)
    #expect(try tool.shell("$TOOL facts bad > /dev/full 2> /dev/null") == 2)
  }
}

@Suite struct ReportTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.write("m/model.pkl", Sample.spawn)
    try tool.write("m/cut.pkl", Sample.cut)
    try tool.write("m/README.md", "# A model\n")
  }

  @Test func jsonHasTheFieldsThatOthersRelyOn() throws {
    let report = try tool.run("--format", "json", "m").json()
    let findings = try #require(report["findings"] as? [[String: Any]])
    let spawn = try #require(findings.first { $0["rule"] as? String == "process-spawn" })
    let texts = ["severity": "critical", "level": "error", "file": "model.pkl", "subject": "os.system"]
    for (key, value) in texts { #expect(spawn[key] as? String == value) }
    #expect(spawn["arguments"] as? [String] == ["echo x"])
    #expect(spawn["chain"] as? [String] == [])
    #expect(spawn["byteOffset"] as? Int == 23)
    #expect(spawn["suppressed"] as? Bool == false)
    #expect((spawn["fingerprint"] as? String)?.count == 16)
    let unread = try #require(report["unread"] as? [[String: Any]])
    #expect(unread.first?["file"] as? String == "cut.pkl")
    #expect(unread.first?["reason"] as? String == "truncated")
    let summary = try #require(report["summary"] as? [String: Any])
    #expect(summary["files"] as? Int == 3)
    #expect(summary["verdict"] as? String == "do-not-load")
  }

  /// The named callable stays untold where the call of it is.
  @Test func aCallStandsForItsName() throws {
    let findings = try #require(try tool.run("--format", "json", "m").json()["findings"] as? [[String: Any]])
    #expect(findings.filter { $0["file"] as? String == "model.pkl" }.map { $0["rule"] as? String } == ["process-spawn"])
  }

  @Test(arguments: ["text", "json", "ndjson", "sarif", "markdown", "github", "junit"])
  func everyNumberOfJobsSaysTheSame(format: String) throws {
    for number in 0..<40 {
      try tool.write("n/\(number % 7)/\(number).pkl", number % 3 == 0 ? Sample.cut : Sample.spawn)
    }
    let reports = try ["1", "2", "4"].map { jobs in
      try tool.run("--format", format, "--jobs", jobs, "n").text
        .replacing(#/"seconds": [0-9.e-]+|time="[0-9.]+"|[0-9.]+ m?s\b/#, with: "")
    }
    #expect(Set(reports).count == 1)
    let facts = try ["1", "2", "4"].map { try tool.run("facts", "--jobs", $0, "n").output }
    #expect(Set(facts).count == 1)
  }

  @Test func reportsGoWhereTheyAreSent() throws {
    let both = try tool.run("--format", "text", "--output", "json=a.json", "--output", "sarif=b.sarif", "m")
    #expect(both.status == 1)
    #expect(both.text.contains("process-spawn"))
    #expect(try tool.read("a.json").hasPrefix("{"))
    #expect(try tool.read("b.sarif").contains("\"version\": \"2.1.0\""))
    let one = try tool.run("--format", "json", "--output", "c", "m")
    #expect(one.text.isEmpty)
    #expect(try tool.read("c").hasPrefix("{"))
    #expect(try tool.run("--output", "d.sarif", "m").text.isEmpty)
    #expect(try tool.read("d.sarif").contains("2.1.0"))
    // A longer report that was there before leaves nothing behind.
    try tool.write("e.json", String(repeating: "x", count: 100_000))
    #expect(try tool.run("--format", "json", "--output", "e.json", "m").status == 1)
    #expect(try tool.read("e.json").hasSuffix("}\n"))
  }

  @Test func theToolDoesNotScanItsOwnReport() throws {
    let first = try tool.run("--format", "json", "--output", "m/report.json", "m")
    let second = try tool.run("--format", "json", "--output", "m/report.json", "m")
    #expect(first.status == second.status)
    let report = try tool.read("m/report.json")
    #expect(!report.contains("report.json"))
  }

  @Test func colourIsForTerminals() throws {
    #expect(!(try tool.run("m").text.contains("\u{1b}")))
    #expect(try tool.run("--color", "always", "m").text.contains("\u{1b}"))
    #expect(!(try tool.run(["m"], environment: ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"]).text.contains("\u{1b}")))
    #expect(try tool.run(["m"], environment: ["CLICOLOR_FORCE": "1"]).text.contains("\u{1b}"))
  }

  @Test func baselinesMarkWhatIsKnown() throws {
    try tool.write("base.json", Array(try tool.run("--format", "json", "m").output))
    let known = try tool.run("--format", "json", "--baseline", "base.json", "m")
    #expect(known.status == 2, "cut.pkl is still not read")
    let findings = try #require(try known.json()["findings"] as? [[String: Any]])
    #expect(!findings.isEmpty && findings.allSatisfy { $0["suppressed"] as? Bool == true })
    try tool.write("m/new.pkl", Sample.spawn)
    #expect(try tool.run("--baseline", "base.json", "m").status == 1)
    try tool.write("base.json", "{}")
    let wrong = try tool.run("--baseline", "base.json", "m")
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("base.json"))
  }

  @Test func configurationIsFoundAboveAndNeverInside() throws {
    try tool.write("m/.mscan.yaml", "ignore: [process-spawn]\n")
    let inside = try tool.run("m")
    #expect(inside.status == 1)
    #expect(inside.errors.contains("m/.mscan.yaml lies in a folder that is scanned"))
    #expect(try tool.run("--config", "m/.mscan.yaml", "--exclude-nothing", "m").status == 64)
    let config = "exclude: [cut.pkl]\nsuppressions:\n  - {rule: process-spawn, path: m/model.pkl, reason: a test}\n"
    try tool.write(".mscan.yaml", config)
    let above = try tool.run("--format", "json", "m")
    #expect(above.status == 0, "\(above.text)")
    try tool.write(".mscan.yaml", "suppressions:\n  - {rule: code-eval, reason: a test}\n")
    let unused = try #require(try tool.run("--format", "json", "m").json()["findings"] as? [[String: Any]])
    let finding = try #require(unused.first { $0["rule"] as? String == "unused-suppression" })
    #expect(finding["file"] as? String == ".mscan.yaml")
    #expect(finding["line"] as? Int == 2)
    try tool.write(".mscan.yaml", "ignroe: []\n")
    let wrong = try tool.run("m")
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains(".mscan.yaml:1:1: unknown field 'ignroe'"))
  }
}

@Suite struct PathTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.write("m/model.pkl", Sample.spawn)
    try tool.write("m/sub/other.pkl", Sample.harmless)
  }

  private func files(_ arguments: [String], input: String = "") throws -> [String] {
    var files: [String] = []
    for fact in try tool.run(["facts"] + arguments, input: Array(input.utf8)).objects() {
      let file = try #require(fact["file"] as? String)
      if files.last != file { files.append(file) }
    }
    return files
  }

  @Test func pathsAreRelativeToWhatIsGiven() throws {
    #expect(try files(["m"]) == ["model.pkl", "sub/other.pkl"])
    #expect(try files(["./m/"]) == ["model.pkl", "sub/other.pkl"])
    #expect(try files(["m/model.pkl"]) == ["m/model.pkl"])
    #expect(try files(["m/sub", "m/model.pkl"]) == ["m/model.pkl", "sub/other.pkl"])
    #expect(try files(["m", "m/model.pkl", "m/sub"]) == ["m/model.pkl", "m/sub/other.pkl"])
    #expect(try files(["."]) == ["m/model.pkl", "m/sub/other.pkl"])
  }

  @Test(arguments: ["m/model.pkl\nm/sub\n", "m/model.pkl\r\nm/sub", "m/model.pkl\0m/sub\0", "\nm/model.pkl\n\nm/sub\n"])
  func listsComeOnStandardInput(input: String) throws {
    #expect(try files(["-"], input: input) == ["m/model.pkl", "sub/other.pkl"])
  }

  @Test func anEmptyListScansNothing() throws {
    let result = try tool.run("-")
    #expect(result.status == 0)
    #expect(result.errors.contains("no files were found"))
  }

  @Test func oneBadPathStopsNothing() throws {
    #expect(try tool.shell("mkfifo m/pipe && ln -s gone m/broken && ln -s /etc/passwd m/out") == 0)
    let report = try tool.run("--format", "json", "m", "nowhere").json()
    let unread = try #require(report["unread"] as? [[String: Any]])
    var reasons: [String: String] = [:]
    for item in unread { reasons[item["file"] as? String ?? ""] = item["reason"] as? String }
    #expect(
      reasons == ["m/broken": "link-broken", "m/out": "link-escapes", "m/pipe": "special", "nowhere": "missing"])
    #expect((report["findings"] as? [[String: Any]])?.contains { $0["rule"] as? String == "process-spawn" } == true)
  }
}

@Suite struct FactsTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  @Test func everyFactHasItsPlace() throws {
    try tool.write("model.pkl", Sample.spawn)
    let facts = try tool.run("facts", "model.pkl").objects()
    for fact in facts {
      for key in ["kind", "subject", "file", "place"] { #expect(fact[key] is String) }
      let start = try #require(fact["start"] as? Int)
      let end = try #require(fact["end"] as? Int)
      #expect(0 <= start && start <= end && end <= Sample.spawn.count)
      #expect(fact["chain"] as? [String] == [])
    }
    let calls = facts.filter { $0["kind"] as? String == "callable" }
    #expect(calls.map { $0["stage"] as? String } == ["named", "invoked"])
    #expect(calls.first?["module"] as? String == "os")
    #expect(calls.first?["name"] as? String == "system")
    #expect(calls.last?["arguments"] as? [String] == ["echo x"])
    #expect(calls.last?["start"] as? Int == 23)
  }

  @Test func namesThatAreNoUnicodeStayJSON() throws {
    // SHORT_BINUNICODE of a lone surrogate, twice, STACK_GLOBAL.
    let name: [UInt8] = [0x8c, 3, 0xed, 0xa0, 0x80]
    try tool.write("model.pkl", [0x80, 4] + name + name + [0x93, 0x2e])
    #expect(try tool.run("facts", "model.pkl").objects().contains { $0["kind"] as? String == "callable" })
  }
}

@Suite struct RuleCommandTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  @Test func rulesAreListed() throws {
    #expect(try tool.run("rules", "list").text.contains("process-spawn"))
    let list = try tool.run("rules", "list", "--format", "json").json()
    let rules = try #require(list["rules"] as? [[String: Any]])
    #expect(rules.count > 10)
    #expect(rules.contains { $0["id"] as? String == "process-spawn" && $0["severity"] as? String == "critical" })
  }

  @Test func everyRuleIsExplained() throws {
    let list = try tool.run("rules", "list", "--format", "json").json()
    for rule in try #require(list["rules"] as? [[String: Any]]) {
      let id = try #require(rule["id"] as? String)
      let result = try tool.run("explain", id)
      #expect(result.status == 0)
      for heading in ["Why", "Example", "What to do"] { #expect(result.text.contains("\n\(heading)\n"), "\(id)") }
      #expect(!result.text.contains("{"), "\(id): a placeholder is left")
    }
  }

  private let rule = """
    id: my-rule
    title: A callable of ours
    kind: callable
    subjects: [ours.run]
    severity: high
    message: "'{name}' is {stage}."
    why: It is ours.
    fix: Ask us.

    """

  @Test func ownRulesAreCheckedUsedAndTested() throws {
    try tool.write("rules/my-rule.yaml", rule)
    let check = try tool.run("rules", "check", "rules")
    #expect(check.status == 0, "\(check.text)")
    try tool.write("m/model.pkl", Array("cours\nrun\n(tR.".utf8))
    let report = try tool.run("--rules", "rules", "--format", "json", "m").json()
    #expect((report["findings"] as? [[String: Any]])?.map { $0["rule"] as? String } == ["my-rule"])
    let hex = """
      "cours\\n"  "run\\n"   # the name
      28 74
      #~ fires my-rule severity=high
      52                     # REDUCE
      2e

      """
    try tool.write("samples/my-rule/fires-call.pkl.hex", hex)
    try tool.write("samples/my-rule/quiet-nothing.pkl", Sample.harmless)
    let good = try tool.run("rules", "test", "samples", "--rules", "rules")
    #expect(good.status == 0, "\(good.text)")
    try tool.write("samples/my-rule/quiet-wrong.pkl.hex", hex)
    try tool.write("samples/my-rule/fires-wrong.pkl", Sample.harmless)
    let bad = try tool.run("rules", "test", "samples", "--rules", "rules")
    #expect(bad.status == 1)
    #expect(bad.text.contains("quiet-wrong.pkl.hex: my-rule fires"))
    #expect(bad.text.contains("fires-wrong.pkl: my-rule does not fire"))
  }

  @Test func mistakesInRulesAreNamedWithTheirPlace() throws {
    try tool.write("rules/my-rule.yaml", rule.replacing("severity", with: "severty"))
    let check = try tool.run("rules", "check", "rules")
    #expect(check.status == 1)
    #expect(check.text.contains("my-rule.yaml:5:1"))
    #expect(check.text.contains("did you mean \"severity\"?"))
    let scan = try tool.run("--rules", "rules", ".")
    #expect(scan.status == 2)
    #expect(scan.errors.contains("did you mean \"severity\"?"))
  }
}
