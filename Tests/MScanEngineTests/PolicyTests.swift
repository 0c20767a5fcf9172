import MScanBytes
import MScanFacts
import MScanRules
import Testing

@testable import MScanEngine

@Suite struct ConfigurationTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ text: String) throws -> Configuration {
    try folder.write(".mscan.yaml", text)
    return try Configuration.read(folder.system(".mscan.yaml"))
  }

  @Test func everyFieldIsRead() throws {
    try folder.folder("my-rules")
    let configuration = try read(
      """
      # Ours.
      ignore: [one]
      fail-on: high
      rules: [my-rules]
      exclude:
        - "*.tmp"
      suppressions:
        - rule: two
          path: a/*.bin
          reason: looked at in May
      """)
    #expect(configuration.failOn == .high)
    #expect(configuration.rules == [folder.at("my-rules")])
    #expect(configuration.exclude.map(\.glob.pattern) == ["*.tmp"])
    #expect(configuration.ignore.map(\.text) == ["one"])
    #expect(configuration.suppressions.first?.rule.position.line == 8)
  }

  @Test(arguments: ["", "# nothing\n", "\n\n   # nothing\n"])
  func nothingConfiguresNothing(text: String) throws {
    #expect(try read(text).failOn == nil)
  }

  @Test(arguments: [
    ("ignroe: [x]", ":1:1: unknown field 'ignroe'; did you mean \"ignore\"?"),
    ("fail-on: hihg", ":1:10: no severity 'hihg'; did you mean \"high\"?"),
    ("rules: [gone]", ":1:9: there is no folder 'gone'"),
    ("suppressions: [{rule: x}]", "a suppression needs a 'reason'"),
    ("suppressions: [{reason: x}]", "a suppression needs a 'rule'"),
    ("suppressions: [{rule: x, reason: y, until: z}]", "unknown field 'until'"),
    ("- a", "the configuration has to be a mapping"),
    ("ignore: &a [x]", "anchors have no use here"),
    ("ignore: [", "not valid YAML"),
  ])
  func mistakesAreNamedWithTheirPlace(text: String, message: String) throws {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(error?.message.contains(message) == true)
  }

  @Test func rulesThatDoNotExistAreNamed() throws {
    let configuration = try read("ignore: [unused-supression]")
    var policy = Policy()
    let error = #expect(throws: ConfigurationError.self) {
      try configuration.apply(to: &policy, index: RuleIndex(.empty))
    }
    #expect(error?.message.contains("did you mean \"unused-suppression\"?") == true)
  }

  @Test func whatTheModelShipsIsNotTrusted() throws {
    try folder.write("team/models/m/.mscan.yaml", "ignore: []")
    try folder.write("team/models/m/x.bin", "x")
    try folder.write("team/.mscan.yaml", "ignore: []")
    let model = folder.system("team/models/m")
    let above = ConfigurationSearch.above([model])
    #expect(above.path == folder.system("team/.mscan.yaml"))
    #expect(above.skipped.count == 1)
    #expect(above.skipped.first?.contains("was not used; trust it with --config") == true)
    #expect(ConfigurationSearch.above([folder.system("team/models/m/x.bin")]).path == above.path)
    // Another PATH makes the folder above a scanned one too.
    #expect(ConfigurationSearch.above([model, folder.system("team")]).path != above.path)
    #expect(ConfigurationSearch.above([]).path == nil)
    #expect(ConfigurationSearch.above([folder.system("gone")]).path == nil)
  }
}

@Suite struct BaselineTests {
  @Test func fingerprintsOfAReport() {
    let report = """
      {"schema": 1, "tool": {"fingerprint": "no"}, "findings": [
        {"rule": "a\\"b", "chain": [], "related": [{"fingerprint": "no"}], "fingerprint": "0011", "count": 1},
        {"fingerprint": "2233", "arguments": ["x", {}]}], "unread": [{"fingerprint": "no"}], "summary": {}}
      """
    #expect(Baseline.fingerprints(in: Array(report.utf8)) == ["0011", "2233"])
  }

  @Test(arguments: [
    "", "{}", "[]", "null", #"{"schema": 2, "findings": []}"#, #"{"schema": 1}"#, #"{"schema": 1, "findings": ["#,
    #"{"schema": 1, "findings": []"#, #"{"schema": 1, "findings": []}}"#, #"{"schema": 1 "findings": []}"#,
    #"{"schema": 1, "findings": [}"#, #"{"schema": 1, "findings": {}}"#, #"{"a"#, #"{"a\"#, "\"",
  ])
  func otherFilesAreRefused(text: String) {
    #expect(Baseline.fingerprints(in: Array(text.utf8)) == nil)
  }

  @Test func depthIsBounded() {
    let deep = "{\"schema\": 1, \"findings\": " + String(repeating: "{\"a\":", count: 100_000)
    #expect(Baseline.fingerprints(in: Array(deep.utf8)) == nil)
  }
}

@Suite struct PolicyTests {
  private func finding(_ rule: String, _ file: String, fingerprint: String = "") -> Finding {
    Finding(
      rule: rule, severity: .high, precision: .high, message: "", file: file, artifact: 0, chain: [], place: "file",
      byteOffset: 0, byteLength: 1, exact: true, innerRange: ByteRange(0, 1), subject: "s", fingerprint: fingerprint)
  }

  private func suppression(_ rule: String, _ path: String?) -> Suppression {
    Suppression(
      rule: rule, path: path.map { PathPattern($0) }, reason: "known", file: ".mscan.yaml", line: 3, column: 5)
  }

  private func apply(_ policy: Policy, _ findings: [Finding], files: [String] = ["a", "b"]) -> ScanReport {
    var report = ScanReport(toolVersion: "", rulesVersion: "", findings: findings)
    policy.apply(to: &report, targets: files.map { Target(reported: $0, path: SystemPath("/m/" + $0)) })
    return report
  }

  @Test func ignoredRulesAreNotReported() {
    var policy = Policy()
    policy.ignore = ["x"]
    #expect(apply(policy, [finding("x", "a"), finding("y", "a")]).findings.map(\.rule) == ["y"])
  }

  @Test func selectedRulesAloneAreReported() {
    var policy = Policy()
    policy.select = ["x"]
    #expect(apply(policy, [finding("x", "a"), finding("y", "a")]).findings.map(\.rule) == ["x"])
  }

  @Test func suppressionsNameTheirReason() {
    var policy = Policy()
    policy.suppressions = [suppression("x", "a")]
    let report = apply(policy, [finding("x", "a"), finding("x", "b")])
    #expect(report.findings.map(\.suppression) == ["known", nil])
    #expect(ExitStatus.of(report, failOn: .medium) == .findings)
  }

  @Test func aSuppressionThatSuppressesNothingIsAFinding() {
    var policy = Policy()
    policy.suppressions = [suppression("x", "a"), suppression("gone", nil)]
    let report = apply(policy, [finding("x", "a")])
    let unused = report.findings.filter { $0.rule == "unused-suppression" }
    #expect(unused.map(\.subject) == ["gone"])
    #expect(unused.map(\.severity) == [.low])
    #expect(unused.map(\.line) == [3])
    #expect(ExitStatus.of(report, failOn: .medium) == .clean)
    #expect(ExitStatus.of(report, failOn: .low) == .findings)
  }

  @Test func singleFilesDoNotOutdateSuppressionsOfOthers() {
    var policy = Policy()
    policy.coversFolders = false
    policy.suppressions = [suppression("x", "elsewhere")]
    #expect(apply(policy, []).findings.isEmpty)
    policy.suppressions = [suppression("x", "a")]
    #expect(apply(policy, []).findings.count == 1)
  }

  @Test func theBaselineMarksWhatIsKnown() {
    var policy = Policy()
    policy.baseline = ["f1"]
    let report = apply(policy, [finding("x", "a", fingerprint: "f1"), finding("x", "a", fingerprint: "f2")])
    #expect(report.findings.map(\.suppression) == ["baseline", nil])
  }

  @Test func exitStatus() {
    var report = ScanReport(toolVersion: "", rulesVersion: "")
    #expect(ExitStatus.of(report, failOn: .low) == .clean)
    report.unread = [Unread(file: "a", reason: "truncated", detail: "")]
    #expect(ExitStatus.of(report, failOn: .low) == .incomplete)
    report.findings = [finding("x", "a")]
    #expect(ExitStatus.of(report, failOn: .high) == .findings)
    #expect(ExitStatus.of(report, failOn: .critical) == .incomplete)
    #expect(ExitStatus.of(report, failOn: nil) == .incomplete)
  }
}

@Suite struct JSONObjectTests {
  @Test(arguments: [
    ("0", true), ("-1.5e+10", true), ("12", true), ("1E5", true), ("01", false), ("+1", false), ("NaN", false),
    ("1.", false), (".5", false), ("", false), ("-", false), ("1e", false), ("Infinity", false), ("1 ", false),
  ])
  func numbers(text: String, expected: Bool) {
    #expect(JSONObject.isNumber(text) == expected)
  }

  @Test func textIsEscaped() {
    var object = JSONObject()
    object.add("a", "\"\\\n\u{1}\u{7f}é")
    var bytes: [UInt8] = []
    object.finish(into: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":"\"\\\n\u0001\u007fé"}"# + "\n")
  }
}

@Suite struct OrderTests {
  @Test func whatComesEarlyWaitsForItsTurn() {
    let log = Mutexed()
    let output = OrderedOutput { log.append($0) }
    Workers.run(200, threads: 4) { index in
      defer { output.finish(index) }
      return output.emit([UInt8(index)], of: index) && output.emit([UInt8(index)], of: index)
    }
    #expect(log.all == (0..<200).flatMap { [UInt8($0), UInt8($0)] })
  }

  @Test func fingerprintsStayApart() {
    var findings = (0..<3).map { _ in
      Finding(
        rule: "r", severity: .low, precision: .low, message: "", file: "f", artifact: 0, chain: [], place: "",
        byteOffset: 0, byteLength: 0, exact: true, innerRange: ByteRange(0, 0), subject: "s", fingerprint: "same")
    }
    Fingerprint.makeUnique(&findings)
    #expect(Set(findings.map(\.fingerprint)).count == 3)
    #expect(findings.first?.fingerprint == "same")
  }
}
