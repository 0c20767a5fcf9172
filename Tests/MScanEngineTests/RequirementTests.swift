import MScanBytes
import MScanFacts
import MScanProvenance
import MScanReports
import Testing

@testable import MScanEngine

@Suite struct RequirementTests {
  /// Rules and files of what a model of these files violates.
  private func violations(_ require: String, _ files: [(String, String)]) throws -> [String] {
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write("model/" + name, text) }
    try folder.write(".mscan.yaml", "require:\n" + require.split(separator: "\n").map { "  \($0)\n" }.joined())
    return try report(folder).findings.filter { $0.rule.hasPrefix("required-") }.map { "\($0.rule) \($0.file)" }
  }

  private func report(_ folder: TemporaryFolder) throws -> ScanReport {
    let rules = try RuleLibrary.load()
    let configuration = try Configuration.read(folder.system(".mscan.yaml"))
    var policy = Policy()
    try configuration.apply(to: &policy, index: RuleIndex(rules))
    var scanner = Scanner(jobs: 1)
    scanner.provenance.paths = [folder.system("model")]
    try configuration.require(in: &scanner.provenance)
    return scanner.scan(Discovery().targets(of: [folder.system("model")]), rules: rules, policy: policy)
  }

  private static let card = ("README.md", "---\nlicense: mit\nbase_model: org/base\n---\n# tiny\n")
  private static let config = ("config.json", #"{"auto_map": {"AutoModel": "modeling_x.X"}}"#)

  @Test(arguments: [
    ("licenses: [mit]", [String]()), ("licenses: [apache-2.0]", ["required-license README.md"]),
    ("parents: declared", []), ("parents: [org/base]", []), ("parents: [org/other]", ["required-parent README.md"]),
    ("remote-code: forbidden", ["required-no-code config.json"]), ("remote-code: allowed", []),
    ("hashes: recorded", ["required-hash README.md", "required-hash config.json"]),
    ("identity: someone@example.org", ["required-signature README.md"]),
  ])
  func eachRequirementIsHeldAgainstTheModel(require: String, wanted: [String]) throws {
    #expect(try violations(require, [Self.card, Self.config]) == wanted)
  }

  @Test func whatTheCardDoesNotSayIsAViolation() throws {
    let found = try violations("licenses: [mit]\nparents: declared", [("README.md", "# tiny\n")])
    #expect(found == ["required-license README.md", "required-parent README.md"])
  }

  @Test func weightsOfAnotherFormatAreNamed() throws {
    #expect(
      try violations("formats: [safetensors]", [("a.pkl", "\u{5d}\u{2e}"), Self.card]) == ["required-format a.pkl"])
  }

  @Test(arguments: ["signed: x", "hashes: maybe", "signed-by: [absent.pub]"])
  func mistakesAreSaid(require: String) throws {
    #expect(throws: ConfigurationError.self) { try violations(require, [Self.card]) }
  }

  @Test func aBillOfMaterialsListsEveryFileWithItsHash() throws {
    let folder = try TemporaryFolder()
    try folder.write("model/README.md", Self.card.1)
    try folder.write("model/a.txt", "abc")
    try folder.write(".mscan.yaml", "require:\n  licenses: [mit]\n")
    let rules = try RuleLibrary.load()
    var scanner = Scanner(jobs: 2)
    scanner.provenance.paths = [folder.system("model")]
    scanner.provenance.takesInventory = true
    scanner.provenance.hashing = .all
    let report = scanner.scan(Discovery().targets(of: [folder.system("model")]), rules: rules, policy: Policy())
    let text = CycloneDXReporter.render(report, style: ReportStyle())
    #expect(text.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
    #expect(text.contains("\"purl\": \"pkg:huggingface/org/base\""))
    #expect(text.contains("\"name\": \"mit\""))
    #expect(report.files.map(\.path) == ["README.md", "a.txt"])
  }

  @Test func aBillOfMaterialsNamesParentsThatOnlyTheWeightsName() {
    var report = ScanReport(toolVersion: "1", rulesVersion: "1", summary: ScanReport.Summary())
    report.model.parents = [ModelDescription.Claim(value: "org/Base", source: "README.md:3")]
    report.lineage.inferred = ["org/base", "other/one"].map { parent in
      LineageReport.Inferred(
        child: "m", parent: parent, operation: "merge", variant: "", confidence: 950, evidence: ["2 of 2 layers"])
    }
    let text = CycloneDXReporter.render(report, style: ReportStyle())
    #expect(text.components(of: "\"purl\": \"pkg:huggingface/org/Base\"") == 1)
    #expect(text.components(of: "\"purl\": \"pkg:huggingface/other/one\"") == 1)
    #expect(text.components(of: "weights of m, merge: 2 of 2 layers") == 2)
  }
}

extension String {
  fileprivate func components(of text: String) -> Int {
    split(separator: text, omittingEmptySubsequences: false).count - 1
  }
}
