import Foundation
import MScanBytes
import MScanEngine
import MScanFacts
import MScanRules
import Testing

/// Every rule against its samples below `Fixtures/rules`.
@Suite struct SampleTests {
  @Test func everySampleBehaves() throws {
    let rules = try #require(Repository.rules)
    let outcome = try RuleTest(rules: rules).run(SystemPath(Repository.path("Fixtures/rules")))
    for failure in outcome.failures { Issue.record("\(failure)") }
    #expect(outcome.samples >= 2 * rules.rules.count)
  }

  /// Fields, names claimed twice, and a firing and a quiet sample for each rule.
  @Test func theRulesAreFitToShip() {
    let found = RuleCheck.run(directory: Repository.path("Rules"), fixtures: Repository.path("Fixtures/rules"))
    for diagnostic in found where diagnostic.level == .error { Issue.record("\(diagnostic)") }
  }

  @Test func everyFolderBelongsToARule() throws {
    let rules = try #require(Repository.rules)
    let folders = try FileManager.default.contentsOfDirectory(atPath: Repository.path("Fixtures/rules"))
    #expect(Set(folders).subtracting(rules.rules.map(\.id)).isEmpty)
  }

  @Test(arguments: ["fires-x.pkl.hex", "quiet-x.pkl.hex"])
  func aSampleThatMisbehavesIsNamed(name: String) throws {
    let rules = try #require(Repository.rules)
    let scratch = try Scratch()
    let harmful = "8c 02 \"os\" 8c 06 \"system\" 93 29 52 2e"
    try scratch.write("process-spawn/\(name)", ("80 04 " + (name.hasPrefix("fires") ? "5d 2e" : harmful)).utf8)
    try scratch.write("process-spawn/fires-y.pkl.hex", ("80 04 " + harmful).utf8)
    let outcome = try RuleTest(rules: rules).run(SystemPath(scratch.url.path))
    #expect(outcome.failures.count == 1)
    #expect(outcome.failures.first?.contains(name) == true)
  }

  @Test func anExpectationAtTheWrongPlaceIsNamed() throws {
    let rules = try #require(Repository.rules)
    let scratch = try Scratch()
    let text = "#~ fires process-spawn\n80 04\n8c 02 \"os\" 8c 06 \"system\" 93 29 52 2e\n"
    try scratch.write("process-spawn/fires-x.pkl.hex", text.utf8)
    let outcome = try RuleTest(rules: rules).run(SystemPath(scratch.url.path))
    #expect(outcome.failures.count == 1)
  }
}
