import MScanBytes
import MScanFacts
import Testing

@testable import MScanRules

@Suite struct CheckTests {
  private static let complete = "why: w\nfix: f\ncwe: [CWE-1]"

  private func check(_ files: [String: String], fixtures: Bool = false) throws -> [String] {
    try withFolder(files) { path in
      RuleCheck.run(directory: path + "/Rules", fixtures: fixtures ? path + "/Fixtures/rules" : nil)
        .map(\.description)
    }
  }

  static let table: [(files: [String: String], says: String?)] = [
    (["Rules/k/a.yaml": rule("a", "x", more: complete)], nil),
    (["Rules/k/b.yaml": rule("a", "x", more: complete)], "Rules/k/b.yaml:1:1: the id is \"a\" and the file is b.yaml"),
    (["Rules/a.yaml": rule("a", "x", more: "why: w\ncwe: [CWE-1]")], "Rules/a.yaml:1:1: \"fix\" is missing"),
    (["Rules/a.yaml": rule("a", "x", more: "why: w\nfix: f")], "Rules/a.yaml:1:1: \"cwe\" is missing"),
    (["Rules/a.yaml": rule("a", "x", more: "fix: f\ncwe: [CWE-1]")], "Rules/a.yaml:1:1: \"why\" is missing"),
    (
      ["Rules/a.yaml": rule("a", "x", more: complete), "Rules/k/a.yaml": rule("a", "y", more: complete)],
      "Rules/k/a.yaml:1:1: \"a\" is already a name of the rule in Rules/a.yaml:1"
    ),
    (
      [
        "Rules/a.yaml": rule("a", "x", more: complete),
        "Rules/b.yaml": rule("b", "y", more: complete + "\naliases: [a]"),
      ],
      "Rules/b.yaml:10:1: \"a\" is already a name of the rule in Rules/a.yaml:1"
    ),
    (
      ["Rules/a.yaml": rule("a", "x", more: complete + "\naliases: [a]")],
      "Rules/a.yaml:10:1: \"a\" is already a name"
    ),
    (
      ["Rules/a.yaml": rule("a", "x", more: complete), "Rules/allow/l.yaml": allow("y, x")],
      "Rules/allow/l.yaml:3:12: \"x\" is denied by a in Rules/a.yaml:4; a name is one or the other"
    ),
    (
      [
        "Rules/a.yaml": rule("a", "x", more: complete + "\nwhere:\n- via is inst"), "Rules/allow/l.yaml": allow("x"),
      ],
      "Rules/allow/l.yaml:3:9: warning: \"x\" is denied by a in Rules/a.yaml:4; allowed only where"
    ),
    (
      ["Rules/a.yaml": rule("a", "x", kind: "member", more: complete), "Rules/allow/l.yaml": allow("x")], nil
    ),
    (
      ["Rules/allow/k.yaml": allow("x"), "Rules/allow/l.yaml": allow("x")],
      "Rules/allow/l.yaml:3:9: \"x\" is already allowed in Rules/allow/k.yaml:3"
    ),
    (
      ["Rules/allow/k.yaml": allow("x.*")], "Rules/allow/k.yaml:3:9: warning: \"x.*\" allows names nobody has looked at"
    ),
    (
      [
        "Rules/a.yaml": rule("a", "x", more: complete), "Rules/b.yaml": rule("b", "x", severity: "low", more: complete),
      ],
      "Rules/b.yaml:4:12: warning: \"x\" never fires here; a names it and wins"
    ),
    (
      [
        "Rules/a.yaml": rule("a", "x", more: complete + "\nwhere:\n- via is inst"),
        "Rules/b.yaml": rule("b", "x", severity: "low", more: complete),
      ], nil
    ),
    (["Rules/a.yaml": "id: a\nseverty: high"], "Rules/a.yaml:2:1: unknown field \"severty\""),
    (["Rules/README.md": "not a rule"], nil),
    (["other": ""], "/Rules:1:1: does not exist"),
  ]

  @Test(arguments: table.indices)
  func asksWhatShipsToBeWhole(_ index: Int) throws {
    let row = Self.table[index]
    let said = try check(row.files)
    if let says = row.says {
      #expect(said.contains { $0.contains(says) }, "\(said)")
    } else {
      #expect(said == [])
    }
  }

  @Test func asksForFixtures() throws {
    let file = ["Rules/a.yaml": rule("a", "x", more: Self.complete)]
    let none = try check(file, fixtures: true)
    #expect(none.count == 1 && none[0].contains("Rules/a.yaml:1:1: no fixtures in rules/a: the folder does not exist"))
    let half = try check(file.merging(["Fixtures/rules/a/fires-x.hex": ""]) { $1 }, fixtures: true)
    #expect(half == ["Rules/a.yaml:1:1: no fixture rules/a/quiet-*; add a case like it that it leaves alone"])
    let both = ["Fixtures/rules/a/fires-x.hex": "", "Fixtures/rules/a/quiet-x.hex": ""]
    #expect(try check(file.merging(both) { $1 }, fixtures: true) == [])
  }
}

@Suite struct UserRuleTests {
  @Test func usersRulesTakeTheirPlace() throws {
    let builtin = try compile(rule("a", "x", severity: "low"), rule("b", "y"), allow("z"), rule("o", "otherwise"))
    let files = ["a.yaml": rule("a", "x2"), "allow/mine.yaml": allow("mine.net"), "c.yml": rule("c", "z2")]
    try withFolder(files) { path in
      let set = try RuleSet.load(builtin: builtin.encoded(), userDirectories: [path])
      #expect(set.rules.map(\.id) == ["a", "b", "c", "o"])
      #expect(set.outcome(callable(["x"])) == "o" && set.outcome(callable(["x2"])) == "a")
      #expect(set.outcome(callable(["y"])) == "b" && set.outcome(callable(["z"])) == "allow")
      #expect(set.outcome(callable(["mine.net"])) == "allow" && set.outcome(callable(["z2"])) == "c")
      #expect(set.allowReason(for: callable(["z"]), in: context) == "lib: looked at")
      #expect(set.allowReason(for: callable(["y"]), in: context) == nil)
      #expect(set.version != builtin.version)
      #expect(try RuleSet.load(builtin: builtin.encoded()) == builtin)
    }
  }

  @Test func tellsEverythingThatIsWrong() throws {
    try withFolder(["a.yaml": "id: a", "sub/b.yaml": rule("b", "y", message: "{nme}")]) { path in
      let failure = #expect(throws: RuleLoadFailure.self) {
        try RuleSet.load(builtin: [UInt8](), userDirectories: [path, path + "/none"])
      }
      let said = failure?.diagnostics.map(\.description) ?? []
      #expect(said.contains { $0.hasSuffix("/a.yaml:1:1: \"title\" is missing") })
      #expect(said.contains { $0.contains("/sub/b.yaml:6:10: callable facts have nothing for {nme}; did you mean") })
      #expect(said.contains { $0.hasSuffix("/none:1:1: does not exist") })
    }
  }

  @Test func damagedBuiltInRulesAreAnError() {
    #expect(throws: RuleLoadFailure.self) { try RuleSet.load(builtin: "mscan-rules 1 nonsense") }
    #expect(throws: Never.self) { try RuleSet.load(builtin: "") }
  }
}

/// The rules that ship, when the checkout has them.
@Suite struct ShippedRuleTests {
  private var root: String {
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  }

  @Test func areFitToShip() throws {
    guard let entries = try? Directory.list(root + "/Rules"), !entries.isEmpty else { return }
    let said = RuleCheck.run(directory: root + "/Rules", fixtures: root + "/Fixtures/rules")
    #expect(said.filter { $0.level == .error }.map(\.description) == [])
  }

  /// A rule for a value under one of these keys would have every token of every tokenizer stated.
  @Test func leaveVocabulariesAlone() throws {
    guard let entries = try? Directory.list(root + "/Rules"), !entries.isEmpty else { return }
    let rules = try RuleSet.load(builtin: "", userDirectories: [root + "/Rules"])
    for key in ["model", "vocab", "merges"] { #expect(!rules.valueInterest.wants(key: key)) }
    #expect(rules.valueInterest.wants(key: "auto_map"))
  }
}
