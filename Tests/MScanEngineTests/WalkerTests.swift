import MScanBytes
import MScanFacts
import MScanRules
import Testing

@testable import MScanEngine

/// A zip archive of stored members, and of so much text behind them that no reader takes the end of an archive among
/// them for its own.
private func zip(_ listed: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  let members = listed + [("notes.txt", [UInt8](repeating: 0x20, count: 70_000))]
  func little(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }
  var archive: [UInt8] = []
  var directory: [UInt8] = []
  for member in members {
    let name = Array(member.name.utf8)
    let sums =
      little(Int(Inflate.crc32(member.bytes)), 4) + little(member.bytes.count, 4) + little(member.bytes.count, 4)
    let common =
      little(20, 2) + little(0, 2) + little(0, 2) + little(0, 4) + sums + little(name.count, 2) + little(0, 2)
    directory += Array("PK\u{1}\u{2}".utf8) + little(20, 2) + common + little(0, 10) + little(archive.count, 4) + name
    archive += Array("PK\u{3}\u{4}".utf8) + common + name + member.bytes
  }
  let end = little(members.count, 2) + little(members.count, 2) + little(directory.count, 4) + little(archive.count, 4)
  return archive + directory + Array("PK\u{5}\u{6}".utf8) + little(0, 4) + end + little(0, 2)
}

@Suite struct WalkerTests {
  /// What stands in a checkout for a file that git-lfs was not asked for.
  static let lfsPointer = Array(
    """
    version https://git-lfs.github.com/spec/v1
    oid sha256:0000000000000000000000000000000000000000000000000000000000000000
    size 5

    """.utf8)

  private let spawn = Array("cos\nsystem\n(S'echo x'\ntR.".utf8)

  private func facts(_ bytes: [UInt8], _ name: String, _ limits: Limits = .standard) -> FactBuffer {
    Walker(limits: limits).read(bytes, name: name).buffer
  }

  private func anomalies(_ buffer: FactBuffer) -> [String] {
    buffer.facts.compactMap { fact in
      if case .anomaly(let anomaly) = fact.payload { return anomaly.incomplete ? anomaly.subject : nil }
      return nil
    }
  }

  @Test func whatIsNestedIsRead() {
    let inner = zip([("archive/data.pkl", spawn)])
    let buffer = facts(zip([("a.pt", inner), ("b.pkl", spawn)]), "m.zip")
    let calls = buffer.facts.filter {
      if case .callable(let fact) = $0.payload { return fact.stage == .invoked }
      return false
    }
    #expect(calls.map { buffer.artifacts.chain(of: $0.artifact) } == [["a.pt", "archive/data.pkl"], ["b.pkl"]])
    #expect(anomalies(buffer).isEmpty)
    for call in calls {
      let place = buffer.artifacts.onDisk(call.artifact, call.range)
      #expect(place.exact)
    }
  }

  @Test func nestingIsBounded() {
    var bytes = spawn
    for _ in 0..<5 { bytes = zip([("in.pkl", bytes)]) }
    var limits = Limits()
    limits.depth = 3
    #expect(anomalies(facts(bytes, "m.zip", limits)) == ["limit.depth"])
    limits.depth = 5
    #expect(anomalies(facts(bytes, "m.zip", limits)).isEmpty)
  }

  @Test func aMemberTooDeepSaysNothingOfItsNeighbours() {
    let deep = zip([("a.zip", zip([("b.pkl", spawn)])), ("c.pkl", spawn)])
    var limits = Limits()
    limits.depth = 1
    let buffer = facts(deep, "m.zip", limits)
    #expect(anomalies(buffer) == ["limit.depth"])
    #expect(buffer.facts.contains { $0.kind == .callable && buffer.artifacts.chain(of: $0.artifact) == ["c.pkl"] })
  }

  @Test func theNumberOfArtifactsIsBounded() {
    var limits = Limits()
    limits.artifacts = 5
    let buffer = facts(zip((0..<20).map { ("\($0).pkl", spawn) }), "m.zip", limits)
    #expect(anomalies(buffer) == ["limit.artifacts"])
    #expect(buffer.facts.count { $0.kind == .artifact } == 5)
  }

  @Test func theNumberOfFactsIsBounded() {
    var limits = Limits()
    limits.facts = 3
    let many = zip((0..<40).map { ("\($0).pkl", spawn) })
    let buffer = facts(many, "m.zip", limits)
    #expect(anomalies(buffer).allSatisfy { $0 == "limit.facts" })
    #expect(buffer.facts.count < 40)
  }

  @Test(arguments: [
    ("model.bin", true), ("model.safetensors", true), ("config.json", true), ("model.onnx", true), ("x.pkl", true),
    ("__init__.py", false), ("README.md", false), (".gitkeep", false), ("LICENSE", false), ("notes.txt", false),
  ])
  func emptyFiles(name: String, isUnread: Bool) {
    #expect(anomalies(facts([], name)) == (isUnread ? ["format.empty"] : []))
  }

  @Test(arguments: [
    ("README.md", Array("# A model\n".utf8), false), ("LICENSE", Array("Free.\n".utf8), false),
    (".gitattributes", Array("*.bin filter=lfs\n".utf8), false), ("modeling.py", Array("import os\n".utf8), false),
    ("logo.png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], false),
    (
      "tokenizer.model",
      Array("\n\u{e}\n\u{5}<unk>\u{15}1234\u{18}\u{2}".utf8) + Array("\n\u{a}\n\u{3}abc\u{15}1234".utf8)
        + Array("\n\u{8}\n\u{1}a\u{15}1234".utf8), false
    ),
    ("ops.so", [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0], true),
    ("blob", [0x00, 0xff, 0x13, 0x00, 0x9c], true),
    ("pytorch_model.bin", lfsPointer, true),
  ])
  func whatNobodyReads(name: String, bytes: [UInt8], isUnread: Bool) {
    #expect(anomalies(facts(bytes, name)).contains("format.unread") == isUnread)
  }

  @Test func aNameThatIsUnpickledIsUnpickled() {
    // Text to the eye, and what `pickle.load` makes of it.
    let buffer = facts(Array("cos\nsystem\n0not a call, and then prose".utf8), "weights.pkl")
    #expect(buffer.facts.contains { $0.kind == .callable })
  }
}

@Suite struct ScannerTests {
  @Test func theReportIsTheSameForAnyNumberOfJobs() throws {
    let folder = try TemporaryFolder()
    let spawn = Array("cos\nsystem\n(S'echo x'\ntR.".utf8)
    for number in 0..<60 {
      try folder.write("\(number % 9)/m\(number).pkl", number % 4 == 0 ? Array(spawn.dropLast(9)) : spawn)
    }
    let rules = try RuleLibrary.load()
    let targets = Discovery().targets(of: [folder.system()])
    let reports = [1, 2, 4, 8].map { Scanner(jobs: $0).scan(targets, rules: rules, policy: Policy()) }
    for report in reports.dropFirst() {
      #expect(report.findings == reports[0].findings)
      #expect(report.unread == reports[0].unread)
      #expect(report.artifacts.rows == reports[0].artifacts.rows)
      #expect(report.summary.bytesRead == reports[0].summary.bytesRead)
    }
    #expect(reports[0].findings.count >= 45)
    #expect(Set(reports[0].findings.map(\.fingerprint)).count == reports[0].findings.count)
    for finding in reports[0].findings {
      #expect(reports[0].artifacts[finding.artifact]?.name == finding.file)
    }
  }

  @Test func fingerprintsOutliveEdits() throws {
    let rules = try RuleLibrary.load()
    func fingerprint(_ bytes: [UInt8]) -> [String] {
      let scan = Walker(interest: rules.valueInterest).read(bytes, name: "m.pkl")
      return Judge(rules: rules).verdict(on: scan).findings.filter { $0.rule == "process-spawn" }.map(\.fingerprint)
    }
    let before = fingerprint(Array("cos\nsystem\n(S'echo x'\ntR.".utf8))
    let after = fingerprint(Array("I1\n0I2\n0cos\nsystem\n(S'echo other'\ntR.".utf8))
    #expect(before.count == 1)
    #expect(before == after)
  }
}

@Suite struct CompressedTests {
  /// `printf "cos\nsystem\n(S'echo x'\ntR." | gzip -n`, then the same as zlib writes it.
  private let gzip: [UInt8] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 75, 206, 47, 230, 42, 174, 44, 46, 73, 205, 229, 210, 8, 86, 79, 77, 206, 200, 87,
    168, 80, 231, 42, 9, 210, 3, 0, 134, 72, 235, 70, 25, 0, 0, 0,
  ]
  private let zlib: [UInt8] = [
    120, 156, 75, 206, 47, 230, 42, 174, 44, 46, 73, 205, 229, 210, 8, 86, 79, 77, 206, 200, 87, 168, 80, 231, 42, 9,
    210, 3, 0, 111, 101, 7, 253,
  ]

  private func chains(_ bytes: [UInt8], _ name: String) -> (calls: [[String]], anomalies: [String]) {
    let buffer = Walker().read(bytes, name: name).buffer
    var calls: [[String]] = []
    var anomalies: [String] = []
    for fact in buffer.facts {
      switch fact.payload {
      case .callable(let callable) where callable.stage == .invoked:
        calls.append(buffer.artifacts.chain(of: fact.artifact))
      case .anomaly(let anomaly): anomalies.append(anomaly.subject)
      default: break
      }
    }
    return (calls, anomalies)
  }

  @Test func whatIsCompressedIsRead() {
    #expect(chains(gzip, "m.pkl.gz").calls == [["m.pkl"]])
    #expect(chains(zlib, "m.joblib").calls == [["m.joblib"]])
    #expect(chains(gzip, "m.pkl.gz").anomalies.isEmpty)
    #expect(chains(zlib, "m.joblib").anomalies.isEmpty)
  }

  @Test func laterMembersCount() {
    // Python joins the members: an empty first one hides nothing.
    let empty: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    #expect(chains(empty + gzip, "m.pkl.gz").calls == [["m.pkl"]])
  }

  @Test func everyCutIsSaid() {
    for length in 2..<gzip.count {
      #expect(chains(Array(gzip.prefix(length)), "m.pkl.gz").anomalies.contains("gzip.truncated"), "\(length)")
    }
  }

  @Test func whatFollowsIsSaidAndRead() {
    let tail = Array("cos\nsystem\n(S'echo x'\ntR.".utf8)
    let found = chains(zlib + tail, "m.joblib")
    #expect(found.anomalies == ["zlib.trailing-bytes"])
    #expect(found.calls == [["m.joblib"], ["bytes at \(zlib.count)"]])
    #expect(chains(gzip + [UInt8](repeating: 0, count: 512), "m.pkl.gz").anomalies.isEmpty)
  }

  @Test func expansionIsBounded() {
    var limits = Limits()
    limits.memberBytes = 10
    let buffer = Walker(limits: limits).read(gzip, name: "m.pkl.gz").buffer
    #expect(
      buffer.facts.contains {
        if case .anomaly(let fact) = $0.payload { return fact.subject == "limit.memberBytes" && fact.incomplete }
        return false
      })
  }
}
