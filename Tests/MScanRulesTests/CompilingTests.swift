import MScanBytes
import MScanFacts
import Testing

@testable import MScanRules

@Suite struct CompilingTests {
  private static let files = [
    rule("a-rule", "a.b, a.*, a.b.*", more: "where:\n- via in [x, \"1\"]\n- arguments exists\nunless:\n- name is 3"),
    rule(
      "b-rule", "a.b", severity: "critical", more: "aliases: [old-b]\ncwe: [CWE-1]\nwhy: \"é \\\" \\\\#\\u202E\\n\""),
    rule("c-rule", "otherwise"), rule("d-rule", "\"*\"", kind: "value"), allow("a.c, a.d.*", via: "newobj"),
    allow("a.b.c"),
    "advisories:\n- {id: X-1, summary: S, models: [a/b], severity: high, reach: until-retrained}\n",
  ]

  private func sample() throws -> RuleSet {
    var builder = RuleSetBuilder()
    for file in Self.files {
      let result = RuleReader.read(Array(file.utf8), file: "x.yaml")
      try #require(result.diagnostics.isEmpty, "\(result.diagnostics)")
      builder.add(rules: result.rules, allows: result.allows, advisories: result.advisories)
    }
    return builder.build()
  }

  @Test func decodesWhatItEncodes() throws {
    let set = try sample()
    let decoded = try RuleSet(decoding: set.encoded())
    #expect(decoded == set)
    #expect(decoded.rules == set.rules && decoded.version == set.version && decoded.version.count == 16)
    #expect(decoded.encoded() == set.encoded())
    // Taken apart and joined again, nothing is lost.
    var builder = RuleSetBuilder()
    builder.add(decoded)
    #expect(builder.build() == set)
    #expect(try RuleSet(decoding: RuleSet.empty.encoded()) == .empty)
  }

  @Test func keepsAdvisories() throws {
    let advisory = try #require(sample().advisories.first)
    #expect(advisory.id == "X-1" && advisory.models == ["a/b"] && advisory.reach == .untilRetrained)
  }

  @Test(
    arguments: [
      ("{id: X-1, summary: S, severity: high}", "name what the advisory is about"),
      ("{id: X-1, summary: S, severity: high, models: [b]}", "does not look like org/name"),
      ("{id: X-1, summary: S, severity: high, files: [00]}", "64 lower-case"),
      ("{id: X-1, summary: S, severity: grave, models: [a/b]}", "unknown severity"),
      ("{id: X-1, summary: S, severity: high, model: [a/b]}", "did you mean \"models\""),
      ("{id: X-1, summary: S, severity: low, models: [a/b], references: [x]}", "does not look like https"),
    ])
  func tellsWhatIsWrongWithAnAdvisory(_ entry: String, _ words: String) {
    let result = RuleReader.read(Array("advisories:\n- \(entry)\n".utf8), file: "x.yaml")
    #expect(result.advisories.isEmpty)
    #expect(result.diagnostics.contains { $0.message.contains(words) }, "\(result.diagnostics)")
  }

  @Test func versionFollowsContents() throws {
    let set = try sample()
    #expect(try sample().version == set.version)
    var builder = RuleSetBuilder()
    builder.add(set)
    let other = RuleReader.read(Array(rule("c-rule", "otherwise", severity: "low").utf8), file: "x.yaml")
    builder.add(rules: other.rules, allows: [])
    #expect(builder.build().version != set.version)
    #expect(builder.build().rules.count == set.rules.count)
    #expect(builder.build().rule(named: "c-rule")?.severity == .low)
  }

  /// Damage is an error or another set of rules, never a trap, also when that set is used.
  @Test func survivesEveryPrefixAndByteChange() throws {
    let bytes = try sample().encoded()
    for count in bytes.indices {
      #expect(throws: CompactDamage.self) { try RuleSet(decoding: Array(bytes[..<count])) }
    }
    for index in bytes.indices {
      for other: UInt8 in [0x00, 0x0a, 0x30, 0x31, 0x3f, 0x4f, 0x50, 0x6f, 0xff] {
        var changed = bytes
        changed[index] = other
        guard let set = try? RuleSet(decoding: changed) else { continue }
        for name in ["a.b", "a.b.c.d", "z", ""] { _ = set.outcome(callable([name])) }
        for rule in set.rules.indices { _ = set.subjects(of: rule) }
      }
    }
  }

  @Test func writesLiteralsThatReadBack() {
    let text = "plain \"\"\" \\ \\# #\"\"\" \"# \u{202e} é 🙂 \u{0}\n\r\t" + String(repeating: "long ", count: 3_000)
    let literal = SwiftLiteral.literal(text)
    #expect(literal.hasPrefix("#\"\"\"\n") && literal.hasSuffix("\n\"\"\"#"))
    #expect(literal.split(separator: "\n").allSatisfy { $0.utf8.count <= 4_010 })
    var read = ""
    var rest = literal.dropFirst(5).dropLast(5).unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "\\" else {
        #expect(scalar != "\"" && scalar.value >= 0x20)
        read.unicodeScalars.append(scalar)
        continue
      }
      #expect(rest.popFirst() == "#")
      switch rest.popFirst() {
      case "\n": continue
      case "n": read += "\n"
      case "u":
        let digits = rest.dropFirst().prefix { $0 != "}" }
        rest = rest[digits.endIndex...].dropFirst()
        if let value = UInt32(String(digits), radix: 16).flatMap(Unicode.Scalar.init) {
          read.unicodeScalars.append(value)
        }
      case let escaped?: read.unicodeScalars.append(escaped)
      case nil: Issue.record("the literal ends in an escape")
      }
    }
    #expect(Array(read.utf8) == Array(text.utf8))
  }
}

@Suite struct NameTableTests {
  private struct Naive {
    var names: [(name: String, isPrefix: Bool)]

    /// Every pattern that names `subject`, most specific first.
    func all(_ subject: String) -> [String] {
      let bytes = Array(subject.utf8)
      return names.filter { entry in
        let name = Array(entry.name.utf8)
        return entry.isPrefix ? bytes.starts(with: name + [UInt8(ascii: ".")]) : bytes == name
      }.sorted { a, b in
        a.isPrefix != b.isPrefix ? !a.isPrefix : a.name.utf8.count > b.name.utf8.count
      }.map { $0.isPrefix ? $0.name + ".*" : $0.name }
    }
  }

  @Test func findsWhatAScanFinds() {
    var dice = Dice(state: 1)
    let words = ["a", "b", "os", "torch", "torchvision", "é", "numpy", "?", "_x", "load", ""]
    func name() -> String {
      (0..<Int.random(in: 1...5, using: &dice)).map { _ in words.randomElement(using: &dice) ?? "a" }
        .joined(separator: ".")
    }
    var seen: Set<[UInt8]> = []
    var names: [(name: String, isPrefix: Bool)] = []
    while names.count < 2_000 {
      let isPrefix = Bool.random(using: &dice)
      let text = name() + (names.count > 500 ? String(Int.random(in: 0...400, using: &dice)) : "")
      guard !text.isEmpty, seen.insert(Array(text.utf8) + [isPrefix ? 1 : 0]).inserted else { continue }
      names.append((text, isPrefix))
    }
    let table = NameTable(
      names.enumerated().map { (Array($0.element.name.utf8), $0.element.isPrefix, [.init(rule: $0.offset)]) })
    let naive = Naive(names: names)
    func check(_ subject: String) {
      var found: [String] = []
      var entry = table.find(subject)
      while entry >= 0 {
        found.append(table.pattern(of: entry))
        entry = Int(table.entries[entry].parent)
      }
      // A scan sorts by length and lists a name that starts with a dot, which no path does.
      let expected = naive.all(subject).filter { $0 != ".*" }
      #expect(found == expected, "\(subject)")
    }
    for entry in names { check(entry.name) }
    for _ in 0..<2_000 { check(name() + (Bool.random(using: &dice) ? ".x" : "")) }
    check("")
  }

  @Test func keepsOneEntryForEachForm() {
    let table = NameTable([
      (Array("x".utf8), false, [.init(rule: 1)]), (Array("x".utf8), true, [.init(allow: 2)]),
    ])
    #expect(table.find("x") == 0 && table.find("x.y") == 1 && table.find("y") == -1 && table.find("") == -1)
    #expect(table.postings(of: 1).first?.isAllow == true && table.postings(of: 1).first?.index == 2)
    #expect(NameTable().find("x") == -1)
  }
}
