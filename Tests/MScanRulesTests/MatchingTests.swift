import MScanBytes
import MScanFacts
import Testing

@testable import MScanRules

@Suite struct ConditionTests {
  /// Condition, value, whether it holds.
  static let table: [(condition: String, value: AttributeValue?, holds: Bool)] = [
    ("name is a b", .text("a b"), true), ("name is a", .text("A"), false), ("name is \"5\"", .text("5"), true),
    ("name is 5", .text("5"), true), ("name is 5", .integer(5), true), ("name is \"5\"", .integer(5), false),
    ("name is true", .boolean(true), true), ("name is true", .boolean(false), false),
    ("name is \"true\"", .boolean(true), false), ("name is a", .list(["b", "a"]), true),
    ("name is a", .list([]), false), ("name is a", nil, false),
    ("name is not a", .text("a"), false), ("name is not a", .text("b"), true), ("name is not a", nil, true),
    ("name is not a", .list(["a", "b"]), false), ("name is not a", .list(["b"]), true),
    ("name in [a, b]", .text("b"), true), ("name in [a, b]", .text("c"), false),
    ("name in [\"a, b\", c]", .text("a, b"), true), ("name in [1, 2]", .integer(2), true),
    ("name in [a, b]", .list(["c", "b"]), true), ("name in [a]", nil, false),
    ("name contains any [xy, lo]", .text("hello"), true), ("name contains any [xy, \"l o\"]", .text("hello"), false),
    ("name contains any [a, hello]", .list(["hello"]), true), ("name contains any [hell]", .list(["hello"]), false),
    ("name contains lo", .text("hello"), true), ("name contains ol", .text("hello"), false),
    ("name contains aab", .text("aaab"), true), ("name contains é", .text("café"), true),
    ("name contains e", .text("e\u{301}"), true), ("name contains lo", .list(["hello"]), false),
    ("name contains hello", .list(["hello"]), true), ("name contains 1", .integer(1), false),
    ("name starts with he", .text("hello"), true), ("name starts with lo", .text("hello"), false),
    ("name starts with hello!", .text("hello"), false), ("name starts with he", .list(["x", "hello"]), true),
    ("name ends with lo", .text("hello"), true), ("name ends with he", .text("hello"), false),
    ("name ends with lo", .list(["hello", "x"]), true), ("name ends with lo", nil, false),
    ("name over 3", .integer(4), true), ("name over 3", .integer(3), false), ("name over 3", .text("4"), false),
    ("name under 3", .integer(2), true), ("name under 3", .integer(3), false), ("name under -1", .integer(-2), true),
    ("name under 3", nil, false),
    ("name exists", .text("a"), true), ("name exists", .text(""), false), ("name exists", .list([]), false),
    ("name exists", .list(["a"]), true), ("name exists", .boolean(false), true), ("name exists", .integer(0), true),
    ("name exists", nil, false),
    // Bytes: a letter with its accent written two ways is two names.
    ("name is é", .text("e\u{301}"), false), ("name is \"a\\\"\\\\\\n\"", .text("a\"\\\n"), true),
  ]

  @Test(arguments: table.indices)
  func holds(_ index: Int) throws {
    let row = Self.table[index]
    let condition = try ConditionReader.read(row.condition, attributes: ["name"], kind: "member")
    #expect(condition.holds(for: row.value) == row.holds, "\(row)")
  }

  @Test func knowsTheArtifactOfAFact() throws {
    let rules = [
      rule("a-rule", "a", more: "where:\n- file is Model.PKL\n- extension is pkl\n- in is pickle")
    ]
    #expect(try compile(rules[0]).outcome(callable(["a"])) == "a-rule")
    let none = MatchContext(fileName: ".hidden", format: "")
    #expect(none.fileExtension == "")
    #expect(MatchContext(fileName: "a.tar.GZ", format: "").fileExtension == "gz")
    #expect(MatchContext(fileName: "a.", format: "").fileExtension == "")
    #expect(try compile(rules[0]).match(callable(["a"]), in: none) == nil)
  }
}

@Suite struct MatchingTests {
  struct Row: Sendable, CustomStringConvertible {
    var says: String
    var files: [String]
    var fact: Fact
    var outcome: String?
    var description: String { says }
  }

  private static let conditional = "where:\n- via is inst"

  static let table: [Row] = [
    Row(says: "exact name", files: [rule("r", "os.system")], fact: callable(["os.system"]), outcome: "r"),
    Row(says: "other name", files: [rule("r", "os.system")], fact: callable(["os.systems"]), outcome: nil),
    Row(says: "case matters", files: [rule("r", "os.system")], fact: callable(["OS.system"]), outcome: nil),
    Row(says: "below a prefix", files: [rule("r", "torch.*")], fact: callable(["torch.hub.load"]), outcome: "r"),
    Row(
      says: "prefix ends at a dot", files: [rule("r", "torch.*")], fact: callable(["torchvision.x"]), outcome: nil),
    Row(says: "a prefix is not below itself", files: [rule("r", "torch.*")], fact: callable(["torch"]), outcome: nil),
    Row(says: "a leading dot is no step", files: [rule("r", "a.*")], fact: callable([".a.b"]), outcome: nil),
    Row(
      says: "exact over prefix", files: [rule("e", "a.b", severity: "low"), rule("p", "a.*", severity: "critical")],
      fact: callable(["a.b"]), outcome: "e"),
    Row(
      says: "longer prefix over shorter",
      files: [rule("long", "a.b.*", severity: "low"), rule("short", "a.*", severity: "critical")],
      fact: callable(["a.b.c"]), outcome: "long"),
    Row(
      says: "prefix over star", files: [rule("p", "a.*", severity: "low"), rule("s", "\"*\"")],
      fact: callable(["a.b"]), outcome: "p"),
    Row(
      says: "star over otherwise", files: [rule("o", "otherwise", severity: "critical"), rule("s", "\"*\"")],
      fact: callable(["a"]), outcome: "s"),
    Row(says: "otherwise for the rest", files: [rule("o", "otherwise")], fact: callable(["a"]), outcome: "o"),
    Row(says: "otherwise without a name", files: [rule("o", "otherwise")], fact: callable([]), outcome: "o"),
    Row(
      says: "otherwise of another kind", files: [rule("o", "otherwise", kind: "member")], fact: callable(["a"]),
      outcome: nil),
    Row(
      says: "most severe otherwise that holds",
      files: [
        rule("c", "otherwise", severity: "critical", more: conditional), rule("l", "otherwise", severity: "low"),
        rule("h", "otherwise", severity: "high"),
      ],
      fact: callable(["a"]), outcome: "h"),
    Row(
      says: "severity on a tie", files: [rule("a", "x", severity: "low"), rule("b", "x", severity: "high")],
      fact: callable(["x"]), outcome: "b"),
    Row(says: "id on a tie of severity", files: [rule("b", "x"), rule("a", "x")], fact: callable(["x"]), outcome: "a"),
    Row(
      says: "a rule that does not hold is absent",
      files: [rule("e", "a.b", severity: "critical", more: conditional), rule("p", "a.*", severity: "low")],
      fact: callable(["a.b"]), outcome: "p"),
    Row(
      says: "absent down to otherwise",
      files: [
        rule("e", "a.b.c", more: conditional), rule("p", "a.b.*", more: conditional),
        rule("q", "a.*", more: conditional), rule("s", "\"*\"", more: conditional), rule("o", "otherwise"),
      ],
      fact: callable(["a.b.c"]), outcome: "o"),
    Row(
      says: "next on the tie when the first does not hold",
      files: [rule("a", "x", severity: "critical", more: conditional), rule("b", "x", severity: "low")],
      fact: callable(["x"]), outcome: "b"),
    Row(
      says: "unless", files: [rule("a", "x", more: "unless:\n- via is inst\n- via is reduce")], fact: callable(["x"]),
      outcome: nil),
    Row(
      says: "every where", files: [rule("a", "x", more: "where:\n- via is reduce\n- stage is named")],
      fact: callable(["x"]), outcome: nil),
    Row(
      says: "allowed name keeps otherwise away", files: [allow("a.b"), rule("o", "otherwise")],
      fact: callable(["a.b"]), outcome: "allow"),
    Row(
      says: "exact allow over prefix rule", files: [allow("a.b"), rule("p", "a.*", severity: "critical")],
      fact: callable(["a.b"]), outcome: "allow"),
    Row(
      says: "exact rule over prefix allow", files: [allow("a.*"), rule("e", "a.b")], fact: callable(["a.b"]),
      outcome: "e"),
    Row(
      says: "deny on a tie", files: [allow("a.b"), rule("d", "a.b", severity: "info")], fact: callable(["a.b"]),
      outcome: "d"),
    Row(
      says: "allow on a tie with a rule that does not hold",
      files: [allow("a.b"), rule("d", "a.b", more: conditional)],
      fact: callable(["a.b"]), outcome: "allow"),
    Row(
      says: "allow counts for the first subject alone", files: [allow("os.path"), rule("o", "otherwise")],
      fact: callable(["evil", "os.path"]), outcome: "o"),
    Row(
      says: "deny counts for every subject", files: [rule("d", "os.system")],
      fact: callable(["pathlib.os.system", "os.system"]), outcome: "d"),
    Row(
      says: "exact rule on a later subject over prefix allow on the first",
      files: [allow("a.*"), rule("d", "os.system")],
      fact: callable(["a.os.system", "os.system"]), outcome: "d"),
    Row(
      says: "deny on a tie over two subjects", files: [allow("a.b"), rule("d", "c.d", severity: "low")],
      fact: callable(["a.b", "c.d"]), outcome: "d"),
    Row(
      says: "severity over two subjects",
      files: [rule("d", "c.d", severity: "low"), rule("e", "a.b", severity: "medium")],
      fact: callable(["c.d", "a.b"]), outcome: "e"),
    Row(
      says: "allowed by construct", files: [allow("a", via: "newobj, obj"), rule("o", "otherwise")],
      fact: callable(["a"], via: "obj"), outcome: "allow"),
    Row(
      says: "another construct is not allowed", files: [allow("a", via: "newobj"), rule("o", "otherwise")],
      fact: callable(["a"], via: "reduce"), outcome: "o"),
    Row(
      says: "naming is allowed whatever the construct", files: [allow("a", via: "newobj"), rule("o", "otherwise")],
      fact: callable(["a"], stage: .named, via: "global"), outcome: "allow"),
    Row(
      says: "a refused allow gives way to a shorter one", files: [allow("a.b", via: "newobj"), allow("a.*")],
      fact: callable(["a.b"]), outcome: "allow"),
    Row(
      says: "a nested key path", files: [rule("v", "auto_map.*", kind: "value")],
      fact: fact(.value(ValueFact(keyPath: "text_config.auto_map.AutoModel", value: .text("m")))), outcome: "v"),
    Row(
      says: "bytes, not characters", files: [rule("r", "é")], fact: callable(["e\u{301}"]), outcome: nil),
  ]

  @Test(arguments: table)
  func mostSpecificWins(_ row: Row) throws {
    var builder = RuleSetBuilder()
    // Both orders of files give the same set.
    for file in row.files {
      let result = RuleReader.read(Array(file.utf8), file: "x.yaml")
      try #require(result.diagnostics.isEmpty, "\(result.diagnostics)")
      builder.add(rules: result.rules, allows: result.allows)
    }
    #expect(builder.build().outcome(row.fact) == row.outcome)
    let decoded = try RuleSet(decoding: builder.build().encoded())
    #expect(decoded.outcome(row.fact) == row.outcome)
  }

  @Test func saysWhichSubjectWasNamed() throws {
    let set = try compile(rule("d", "os.system"), rule("o", "otherwise"))
    #expect(set.match(callable(["a.os.system", "os.system"]), in: context)?.subject == "os.system")
    #expect(set.match(callable(["a", "b"]), in: context)?.subject == "a")
  }

  @Test func findsRulesByOldNames() throws {
    let set = try compile(
      rule("b-rule", "x, y.*", more: "aliases: [old-b]"), rule("a-rule", "\"*\""), rule("c", "otherwise"))
    #expect(set.rules.map(\.id) == ["a-rule", "b-rule", "c"])
    #expect(set.rule(named: "b-rule")?.id == "b-rule")
    #expect(set.rule(named: "old-b")?.id == "b-rule")
    #expect(set.rule(named: "none") == nil)
    #expect(set.suggestion(for: "old-a") == "old-b")
    #expect(set.subjects(of: 1) == ["x", "y.*"])
    #expect(set.subjects(of: 0) == ["*"] && set.subjects(of: 2) == ["otherwise"] && set.subjects(of: 9) == [])
  }

  @Test func statesWhichValuesMatter() throws {
    let some = try compile(rule("a", "auto_map.*, trust_remote_code", kind: "value"), rule("b", "\"*\""))
    #expect(!some.valueInterest.everything)
    #expect(some.valueInterest.keys == ["auto_map", "trust_remote_code"])
    #expect(try compile(rule("a", "\"*\"", kind: "value")).valueInterest.everything)
    #expect(try compile(rule("a", "otherwise", kind: "value")).valueInterest.everything)
    #expect(RuleSet.empty.valueInterest.keys.isEmpty)
  }
}

@Suite struct MessageTests {
  static let table: [(template: String, fact: Fact, text: String)] = [
    (
      "'{name}' is {stage} via {via} with {arguments} by {when}; {library}, {in}, {file}, {extension}",
      callable(["os.system", "posix.system"], arguments: ["echo x", "2"], when: ["torch.load", "pickle.load"]),
      "'os.system' is invoked via reduce with echo x, 2 by torch.load, pickle.load; os, pickle, Model.PKL, pkl"
    ),
    ("{subject}", callable(["x.y", "a"]), "a"),
    ("{arguments} {when} {resolved}", callable(["a"]), "no arguments its loader true"),
    ("{{{name}}} }}{{", callable(["a"]), "{a} }{"),
    (
      "{name} {flags} {size} {method}",
      fact(.member(MemberFact(name: "a", method: "stored", compressedSize: 1, size: 2))), "a nothing 2 stored"
    ),
    (
      "{name}", callable(["a\u{202e}b\u{1b}[31m\n\u{200b}\u{feff}\u{a0}\u{2800}é🙂"]),
      "a\\u{202e}b\\u{1b}[31m\\u{a}\\u{200b}\\u{feff}\\u{a0}\\u{2800}é🙂"
    ),
    ("{number}", fact(.value(ValueFact(keyPath: "a", value: .text("x")))), "unknown"),
  ]

  @Test(arguments: table.indices)
  func fillsIn(_ index: Int) throws {
    let row = Self.table[index]
    let set = try compile(rule("r", "\"*\", a", kind: row.fact.kind.rawValue, message: row.template))
    let match = try #require(set.match(row.fact, in: context))
    #expect(set.message(for: match, fact: row.fact, in: context) == row.text)
  }

  @Test func cutsLongValues() {
    let text = String(repeating: "x", count: 300)
    #expect(Printable.text(text) == String(repeating: "x", count: 200) + "…")
    #expect(Printable.text(String(repeating: "x", count: 200)).count == 200)
    #expect(Printable.text(String(repeating: "\0", count: 300)).count <= 201)
  }

  /// What a loader accepts is neither allowed nor denied by that.
  @Test func groupsWaitToBeSelected() throws {
    let rules = try compile(
      rule("a", "x.y", more: "group: tidy"), rule("b", "x.*", severity: "low"), rule("c", "z", more: "group: tidy"),
      rule("d", "otherwise"))
    #expect(rules.groups == ["tidy"])
    #expect(rules.outcome(callable(["x.y"])) == "a")
    let quiet = rules.judging(groups: [])
    #expect(quiet.outcome(callable(["x.y"])) == "b")
    #expect(quiet.outcome(callable(["z"])) == nil)
    #expect(quiet.outcome(callable(["w"])) == "d")
    #expect(quiet.judging(groups: [], rules: ["c"]).outcome(callable(["z"])) == "c")
    #expect(try RuleSet(decoding: rules.encoded()).judging(groups: ["tidy"]).outcome(callable(["z"])) == "c")
  }

  @Test func loadersHaveListsOfTheirOwn() throws {
    let accepted = allow("a.b, c.*") + "loader: strict\n"
    let rules = try compile(accepted, rule("o", "otherwise"), rule("e", "a.b", more: "where:\n  - stage is named"))
    #expect(rules.outcome(callable(["a.b"])) == "o" && rules.outcome(callable(["a.b"], stage: .named)) == "e")
    #expect(rules.accepts("a.b", loader: "strict") && rules.accepts("c.d.e", loader: "strict"))
    #expect(!rules.accepts("a.b.c", loader: "strict") && !rules.accepts("x", loader: "strict"))
    #expect(!rules.accepts("a.b", loader: "other") && !rules.accepts("a.b", loader: ""))
    let again = try RuleSet(decoding: rules.encoded())
    #expect(again == rules && again.accepts("a.b", loader: "strict"))
  }
}
