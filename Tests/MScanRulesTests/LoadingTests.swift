import MScanBytes
import MScanFacts
import Testing

@testable import MScanRules

private let good = """
  # A rule with every field.
  id: process-spawn
  title: Loading this file can start another program
  kind: callable
  subjects: [os.system, subprocess.*]
  where:
    - via in [reduce, "new,obj"]
    - 'arguments contains "a: b"'
  unless:
    - stage is named
  severity: critical
  precision: very-high
  cwe: [CWE-502, CWE-78]
  atlas: [AML.T0011.000]
  message: "'{name}' is {stage} with {arguments}."
  why: >-
    A pickle can call any function.
  fix: Do not load it.
  references: ["https://example.org/a"]
  aliases: [old-name]
  since: 0.2.0
  group: quality

  """

@Suite struct LoadingTests {
  private func messages(_ text: String, file: String = "Rules/callable/x.yaml") -> [String] {
    RuleReader.read(Array(text.utf8), file: file).diagnostics.map(\.description)
  }

  @Test func readsEveryField() throws {
    let result = RuleReader.read(Array(good.utf8), file: "x.yaml")
    #expect(result.diagnostics == [])
    let source = try #require(result.rules.first)
    #expect(
      source.descriptor
        == RuleDescriptor(
          id: "process-spawn", title: "Loading this file can start another program", kind: .callable,
          severity: .critical, precision: .veryHigh, cwe: ["CWE-502", "CWE-78"], atlas: ["AML.T0011.000"],
          message: "'{name}' is {stage} with {arguments}.", why: "A pickle can call any function.",
          fix: "Do not load it.", references: ["https://example.org/a"], aliases: ["old-name"], since: "0.2.0",
          group: "quality"))
    #expect(source.subjects.map(\.text) == ["os.system", "subprocess.*"])
    #expect(source.subjects.map(\.position) == [.init(line: 5, column: 12), .init(line: 5, column: 23)])
    #expect(source.places["severity"] == SourcePosition(line: 11, column: 1))
    #expect(source.places.count == RuleReader.ruleFields.count - 1)
    #expect(source.allOf.count == 2)
    #expect(source.allOf.first?.literals.map(\.text) == ["reduce", "new,obj"])
    #expect(source.noneOf.map(\.comparison) == [.equals])
  }

  /// What is wrong, and the line that says so.
  static let faults: [(change: (from: String, to: String), says: String)] = [
    (("severity:", "severty:"), "x.yaml:11:1: unknown field \"severty\"; did you mean \"severity\"?"),
    (("severity: critical\n", ""), "x.yaml:2:1: \"severity\" is missing"),
    (("critical", "critcal"), "x.yaml:11:11: unknown severity \"critcal\"; did you mean \"critical\"?"),
    (("kind: callable", "kind: caller"), "x.yaml:4:7: unknown kind \"caller\"; use one of artifact, member, "),
    (("very-high", "sure"), "x.yaml:12:12: unknown precision \"sure\"; use one of very-high, high, medium, low"),
    (("process-spawn", "Process_Spawn"), "x.yaml:2:5: \"Process_Spawn\" is no rule id; use lower-case words"),
    (("[old-name]", "[old--name]"), "x.yaml:20:11: \"old--name\" is no rule id"),
    (("title: Loading this file can start another program", "title:"), "x.yaml:3:7: \"title\" is empty"),
    (("[os.system, subprocess.*]", "os.system"), "x.yaml:5:11: \"subjects\" takes a list, and this is a text"),
    (("[os.system, subprocess.*]", "[]"), "x.yaml:5:11: \"subjects\" is an empty list"),
    (("[os.system, subprocess.*]", "[[a]]"), "x.yaml:5:12: an entry of \"subjects\" is a text, and this is a list"),
    (("os.system, ", "os.*.x, "), "x.yaml:5:12: \"os.*.x\": \"*\" stands alone, or ends a name"),
    (("os.system, ", "subprocess.*, "), "x.yaml:5:26: \"subprocess.*\" is listed twice; the first is on line 5"),
    (("subjects: [os.system, subprocess.*]\n", ""), "\"subjects\" is missing; list the names, or write \"otherwise"),
    (("severity", "otherwise: true\nseverity"), "x.yaml:11:1: a rule has \"subjects\" or \"otherwise\", not both"),
    (("severity", "otherwise: yes\nseverity"), "x.yaml:11:12: \"otherwise\" is true or false"),
    (("severity", "id: b\nseverity"), "x.yaml:11:1: \"id\" is given twice; the first is on line 2"),
    (("via in", "vai in"), "x.yaml:7:5: callable facts have no attribute \"vai\"; did you mean \"via\"?"),
    (("stage is named", "stage equals named"), "x.yaml:10:11: unknown operator \"equals\"; use one of is, is not"),
    (("stage is named", "stage start with x"), "x.yaml:10:11: unknown operator \"start\""),
    (("stage is named", "stage containz x"), "x.yaml:10:11: unknown operator \"containz\"; did you mean \"contains\"?"),
    (("stage is named", "stage is not"), "x.yaml:10:17: \"is not\" needs a literal after it"),
    (("stage is named", "stage"), "x.yaml:10:5: \"stage\" has no operator"),
    (("stage is named", "stage exists x"), "x.yaml:10:18: \"exists\" takes no literal"),
    (("stage is named", "stage in named"), "x.yaml:10:14: \"in\" takes a list: in [a, b]"),
    (("stage is named", "stage in [a, ]"), "x.yaml:10:18: the list has an empty place"),
    (("stage is named", "stage in [a"), "x.yaml:10:14: the list has no closing bracket"),
    (("stage is named", "stage in []"), "x.yaml:10:14: the list is empty"),
    (("stage is named", "stage in [a] b"), "x.yaml:10:17: something follows the list"),
    (
      ("stage is named", "stage is [a]"),
      "x.yaml:10:14: \"is\" takes one literal; only \"in\" and \"contains any\" take a list"
    ),
    (("stage is named", "stage contains any a"), "x.yaml:10:24: \"contains any\" takes a list: contains any [a, b]"),
    (("group: quality", "group: A b"), "x.yaml:22:8: \"A b\" is no name of a group"),
    (("stage is named", "stage over many"), "x.yaml:10:16: \"over\" needs a whole number"),
    (("stage is named", "stage is \"a"), "x.yaml:10:14: the text has no closing quote"),
    (("stage is named", "stage is \"a\" b"), "x.yaml:10:17: something follows the closing quote"),
    (("stage is named", "stage is \"\\q\""), "x.yaml:10:15: unknown escape"),
    (("stage is named", "stage: named"), "x.yaml:10:5: an entry of \"unless\" is a text, and this is a mapping"),
    (("{stage}", "{stge}"), "x.yaml:15:10: callable facts have nothing for {stge}; did you mean \"stage\"?"),
    (("{stage}", "{stage"), "x.yaml:15:10: a brace in the message is not closed; write {{ for a brace"),
    (("CWE-78", "78"), "x.yaml:13:16: \"78\" does not look like CWE-502"),
    (("AML.T0011.000", "T1"), "x.yaml:14:9: \"T1\" does not look like AML.T0011.000"),
    (("https://example.org/a", "example.org"), "x.yaml:19:14: \"example.org\" does not look like https://…"),
    (("cwe: [CWE-502, CWE-78]", "cwe: &a [CWE-502]"), "x.yaml:13:6: anchors have no use here"),
    (("[old-name]", "*a"), "x.yaml:20:10: aliases have no use here"),
    (("[old-name]", "!!seq [a]"), "x.yaml:20:10: tags have no use here"),
    (("since: 0.2.0", "[a]: b"), "x.yaml:21:1: a key has to be a text"),
    (("since: 0.2.0", "--- \nid: b"), "x.yaml:21:1: a second document; write one rule to a file"),
    (("[old-name]", "[[[[[[[[[a]]]]]]]]]"), "x.yaml:20:17: more than 8 levels"),
    (("since: 0.2.0", "since: [0.2.0"), "not valid YAML: "),
    (("since: 0.2.0", "\tsince: 0.2.0"), "not valid YAML: "),
    (("[os.system, subprocess.*]\nwhere:", "[a]\nwhere: [via in [a, b]]\nx:"), "each condition on a line of its own"),
  ]

  @Test(arguments: faults.indices)
  func saysWhatIsWrongAndWhere(_ index: Int) throws {
    let (change, says) = Self.faults[index]
    let range = try #require(good.firstRange(of: change.from), "\(change.from)")
    let said = messages(good.replacingCharacters(range, with: change.to))
    #expect(said.contains { $0.contains(says) }, "\(said)")
    #expect(said.allSatisfy { $0.hasPrefix("Rules/callable/x.yaml:") })
  }

  static let shapes: [(text: String, says: String)] = [
    ("", "x.yaml:1:1: the file is empty"),
    ("# nothing\n", "x.yaml:1:1: the file is empty"),
    ("just text", "x.yaml:1:1: a rule is a mapping of fields, and this is a text"),
    ("- a", "x.yaml:1:1: a rule is a mapping of fields, and this is a list"),
    ("id: [", "not valid YAML: "),
    ("allow: x", "x.yaml:1:8: \"allow\" takes a list of groups, and this is a text"),
    ("names: [a]", "x.yaml:1:1: \"library\" is missing"),
    ("allow:\n- library: l\n  reason: r\n  name: [a]", "x.yaml:4:3: unknown field \"name\"; did you mean \"names\"?"),
    ("library: l\nreason: r\nnames: [\"*\"]", "x.yaml:3:9: \"*\" would allow everything; list the names"),
    ("library: l\nreason: r\nnames: [a, a]", "x.yaml:3:12: \"a\" is listed twice"),
    ("library: l\nreason: r\nkind: member\nvia: [a]\nnames: [a]", "x.yaml:4:1: member facts have no \"via\""),
  ]

  @Test(arguments: shapes.indices)
  func refusesOtherShapes(_ index: Int) {
    let said = messages(Self.shapes[index].text)
    #expect(said.contains { $0.contains(Self.shapes[index].says) }, "\(said)")
  }

  @Test func saysWhereBytesAreNotText() {
    let result = RuleReader.read(Array("id: a\ntitle: é".utf8) + [0xff, 0x0a], file: "x.yaml")
    #expect(result.diagnostics.map(\.description).first?.hasPrefix("x.yaml:2:9: not UTF-8 text") == true)
  }

  @Test func refusesLargeFiles() {
    let large = [UInt8](repeating: UInt8(ascii: "#"), count: YamlReader.byteLimit + 1)
    #expect(RuleReader.read(large, file: "x").diagnostics.first?.message.contains("larger than 1 MiB") == true)
  }

  @Test func readsBothShapesOfAllowFile() throws {
    let one = RuleReader.read(Array(allow("a.b, c.*", via: "newobj").utf8), file: "Rules/allow/a.yaml")
    let group = try #require(one.allows.first)
    #expect(group.kind == .callable && group.library == "lib" && group.reason == "looked at")
    #expect(group.names.map(\.text) == ["a.b", "c.*"] && group.via == ["newobj"])
    let text =
      "allow:\n- library: l\n  reason: r\n  names: [a]\n- library: m\n  reason: r\n  kind: value\n  names: [b]\n"
    let several = RuleReader.read(Array(text.utf8), file: "allow/x.yaml")
    #expect(several.diagnostics.isEmpty)
    #expect(several.allows.map(\.library) == ["l", "m"] && several.allows.map(\.kind) == [.callable, .value])
  }

  /// Every prefix and every change of one byte ends in a result or in errors with a place inside the file.
  @Test func survivesEveryPrefixAndByteChange() {
    let bytes = Array(good.utf8)
    var ends = 0
    func read(_ bytes: [UInt8]) {
      let result = RuleReader.read(bytes, file: "x.yaml")
      #expect(!result.rules.isEmpty || !result.allows.isEmpty || !result.diagnostics.isEmpty)
      #expect(
        result.diagnostics.allSatisfy { $0.position.line >= 1 && $0.position.line <= 25 && $0.position.column >= 1 })
      ends += 1
    }
    for count in bytes.indices { read(Array(bytes[..<count])) }
    let others: [UInt8] = [0x00, 0x0a, 0x20, 0x22, 0x26, 0x2a, 0x2d, 0x3a, 0x5b, 0x5d, 0x7b, 0x80, 0xff]
    for index in bytes.indices {
      for other in others {
        var changed = bytes
        changed[index] = other
        read(changed)
      }
    }
    #expect(ends == bytes.count * (1 + others.count))
  }

  @Test(arguments: [
    ("severty", "severity", 1), ("", "abc", 3), ("abc", "abc", 0), ("acb", "abc", 1), ("kitten", "sitting", 3),
  ])
  func measuresSlips(_ a: String, _ b: String, _ distance: Int) {
    #expect(Suggestion.distance(Array(a.utf8), Array(b.utf8)) == distance)
  }
}

extension String {
  func replacingCharacters(_ range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
