import ArgumentParser
import MScanBytes
import MScanEngine
import MScanFacts
import MScanRules

/// `rules`: what the tool knows.
struct Rules: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "List the rules, or check a folder of your own.",
    subcommands: [List.self, Check.self, Test.self])

  struct List: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    static let configuration = CommandConfiguration(commandName: "list", abstract: "List every rule.")

    @Option(help: "text or json.") var format: Format = .text
    @OptionGroup var ruleOptions: RuleOptions

    func run() throws {
      for directory in ruleOptions.directories { try RuleOptions.require(directory, "--rules") }
      try Terminal.run {
        let rules = try RuleLibrary.loadOrFail(adding: ruleOptions.directories)
        let all = RuleIndex(rules).all
        try Terminal.print(format == .json ? RuleText.json(all, version: rules.version) : RuleText.table(all))
        return .clean
      }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Check a folder of rules and say what to mend.",
      discussion: "Exit codes: 0 when the rules can be used, 1 when not.")

    @Argument(help: "The folder.", completion: .directory) var directory: String

    func run() throws {
      try RuleOptions.require(directory, "rules check")
      try Terminal.run {
        let folder = RuleFolder(path: directory)
        var lines = folder.diagnostics.map { $0.description + "\n" }.joined()
        let failed = folder.diagnostics.contains { $0.level == .error }
        if !failed {
          lines += "\(folder.rules.count) rules and \(folder.allows.count) lists of allowed names can be used.\n"
        }
        try Terminal.print(lines)
        return failed ? .findings : .clean
      }
    }
  }

  struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "test", abstract: "Hold the rules against samples.",
      discussion: """
        DIR has a folder for each rule, named by its id, with samples: fires-* have to make the rule fire, quiet-* must \
        not. A sample is a file, a folder, or bytes written as .hex.

        Exit codes: 0 when every sample behaves, 1 when not.
        """)

    @Argument(help: "The folder.", completion: .directory) var directory: String
    @OptionGroup var ruleOptions: RuleOptions

    func run() throws {
      for directory in [directory] + ruleOptions.directories { try RuleOptions.require(directory, "rules test") }
      try Terminal.run {
        let rules = try RuleLibrary.loadOrFail(adding: ruleOptions.directories)
        let outcome: RuleTest.Outcome
        do throws(FileStatus.Failure) {
          outcome = try RuleTest(rules: rules).run(SystemPath(directory))
        } catch {
          throw RunFailure("'\(directory)' could not be read")
        }
        var text = outcome.failures.map { $0 + "\n" }.joined()
        text += "\(outcome.samples) samples, \(outcome.failures.count) failures\n"
        try Terminal.print(text)
        return outcome.failures.isEmpty ? .clean : .findings
      }
    }
  }
}

/// `explain`: one rule at length.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Say what a rule means, why it matters and what to do about it.")

  @Argument(help: "The rule's id, as 'rules list' gives it.") var rule: String
  @OptionGroup var ruleOptions: RuleOptions

  func run() throws {
    for directory in ruleOptions.directories { try RuleOptions.require(directory, "--rules") }
    var missing: String?
    try Terminal.run {
      let rules = try RuleLibrary.loadOrFail(adding: ruleOptions.directories)
      let index = RuleIndex(rules)
      guard let descriptor = index.descriptor(of: rule) else {
        missing = index.unknown(rule)
        return .clean
      }
      let subjects = rules.index(named: descriptor.id).map { rules.subjects(of: $0) } ?? []
      try Terminal.print(RuleText.explanation(of: descriptor, subjects: subjects))
      return .clean
    }
    if let missing { throw ValidationError(missing) }
  }
}

extension RuleLibrary {
  static func loadOrFail(adding directories: [String]) throws(RunFailure) -> RuleSet {
    do throws(RuleLoadFailure) {
      return try load(adding: directories)
    } catch {
      throw RunFailure("the rules cannot be used:\n" + error.diagnostics.map(\.description).joined(separator: "\n"))
    }
  }
}

/// Rules in words.
enum RuleText {
  static func table(_ rules: [RuleDescriptor]) -> String {
    let width = rules.map(\.id.count).max() ?? 0
    return rules.map { rule in
      let id = rule.id + String(repeating: " ", count: width - rule.id.count)
      let severity = rule.severity.rawValue + String(repeating: " ", count: 8 - rule.severity.rawValue.count)
      return "\(id)  \(severity)  \(rule.title)\n"
    }.joined()
  }

  static func json(_ rules: [RuleDescriptor], version: String) -> String {
    var lines: [UInt8] = []
    for (number, rule) in rules.enumerated() {
      var object = JSONObject()
      object.add("id", rule.id)
      object.add("title", rule.title)
      object.add("kind", rule.kind.rawValue)
      object.add("severity", rule.severity.rawValue)
      object.add("level", rule.severity.level)
      object.add("precision", rule.precision.rawValue)
      object.add("cwe", rule.cwe)
      object.add("atlas", rule.atlas)
      object.add("message", rule.message)
      object.add("why", rule.why)
      object.add("fix", rule.fix)
      object.add("references", rule.references)
      object.add("aliases", rule.aliases)
      object.add("since", rule.since)
      object.add("group", rule.group)
      lines.append(contentsOf: "  ".utf8)
      object.finish(into: &lines, ending: number + 1 < rules.count ? ",\n" : "\n")
    }
    return "{\"schema\": 1, \"version\": \"\(version)\", \"rules\": [\n" + String(decoding: lines, as: UTF8.self)
      + "]}\n"
  }

  static func explanation(of rule: RuleDescriptor, subjects: [String]) -> String {
    var text = "\(rule.id): \(rule.title)\n"
    text += "severity \(rule.severity.rawValue), precision \(rule.precision.rawValue), about: \(rule.kind.rawValue)\n"
    func section(_ heading: String, _ body: String) {
      if !body.isEmpty { text += "\n\(heading)\n" + wrap(body) }
    }
    section("Why", rule.why)
    section("Example", example(for: rule, subjects: subjects))
    section("What to do", rule.fix)
    if !subjects.isEmpty {
      let shown = subjects.prefix(20).joined(separator: ", ")
      section("It names", shown + (subjects.count > 20 ? ", and \(subjects.count - 20) more" : ""))
    }
    let marks = rule.cwe + rule.atlas
    section("Known as", marks.joined(separator: ", "))
    if !rule.references.isEmpty { text += "\nMore\n" + rule.references.map { "  \($0)\n" }.joined() }
    if !rule.aliases.isEmpty { section("Earlier names", rule.aliases.joined(separator: ", ")) }
    return text
  }

  /// The rule's own message, with the first thing that it names in the place of what a file would hold.
  static func example(for rule: RuleDescriptor, subjects: [String]) -> String {
    let first = subjects.first { !$0.contains("*") && $0 != "otherwise" } ?? subjects.first ?? rule.kind.rawValue
    let name = first.hasSuffix(".*") ? String(first.dropLast(2)) + ".run" : first == "otherwise" ? "vendor.load" : first
    let samples = [
      "name": name, "subject": name, "stage": "invoked", "via": "reduce", "arguments": "…", "when": "pickle.load",
      "path": name, "file": "model", "format": "pickle", "count": "1",
    ]
    var text = ""
    var rest = rule.message[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      text += rest[..<open] + (samples[String(rest[rest.index(after: open)..<close])] ?? "…")
      rest = rest[rest.index(after: close)...]
    }
    return text + rest
  }

  /// Indented by two, lines of at most 96.
  static func wrap(_ text: String) -> String {
    var lines: [String] = []
    var line = " "
    for word in text.split(whereSeparator: \.isWhitespace) {
      if line.count + 1 + word.count > 96, line.count > 1 {
        lines.append(line)
        line = " "
      }
      line += " " + word
    }
    lines.append(line)
    return lines.map { $0 + "\n" }.joined()
  }
}
