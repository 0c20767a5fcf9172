import MScanFacts

/// Reads the three shapes of rule file.
enum RuleReader {
  static let ruleFields = [
    "id", "title", "kind", "subjects", "otherwise", "where", "unless", "severity", "precision", "cwe", "atlas",
    "message", "why", "fix", "references", "aliases", "since", "group",
  ]
  static let allowFields = ["kind", "library", "reason", "names", "via", "loader"]

  struct Result: Sendable {
    var rules: [RuleSource] = []
    var allows: [AllowSource] = []
    var advisories: [KnownAdvisory] = []
    var diagnostics: [RuleDiagnostic] = []
  }

  /// - Parameter file: the name for messages. A file below a folder `allow` lists harmless names; any other file does so
  ///   if it has a field `allow` or `names`. One with a field `advisories` lists models that are known to be bad.
  static func read(_ bytes: [UInt8], file: String) -> Result {
    let root: YamlNode
    do {
      root = try YamlReader.read(bytes)
    } catch {
      let hint = conditionHint(bytes, line: error.position.line)
      return Result(
        diagnostics: [RuleDiagnostic(file: file, position: error.position, message: error.message + hint)])
    }
    if case .mapping(let pairs) = root.content, pairs.contains(where: { $0.key.text == "advisories" }) {
      return KnownAdvisory.read(root, file: file)
    }
    return isAllow(root, file: file) ? readAllowFile(root, file: file) : readRule(root, file: file)
  }

  /// A list inside a list in brackets is the one mistake that YAML's own words do not explain.
  private static func conditionHint(_ bytes: [UInt8], line: Int) -> String {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.indices.contains(line - 1) else { return "" }
    let text = String(decoding: lines[line - 1], as: UTF8.self).trimmed()
    guard text.hasPrefix("where: [") || text.hasPrefix("unless: [") else { return "" }
    return "; write each condition on a line of its own after \"- \""
  }

  private static func isAllow(_ root: YamlNode, file: String) -> Bool {
    let folders = file.split(separator: "/").dropLast()
    if folders.contains("allow") { return true }
    guard case .mapping(let pairs) = root.content else { return false }
    return pairs.contains { $0.key.text == "allow" || $0.key.text == "names" }
      && !pairs.contains { $0.key.text == "id" }
  }

  // MARK: Rules

  private static func readRule(_ root: YamlNode, file: String) -> Result {
    var fields = FieldReader(root, file: file, known: ruleFields, what: "a rule")
    guard case .mapping = root.content else { return Result(diagnostics: fields.diagnostics) }
    let id = fields.text("id", required: true)
    let title = fields.text("title", required: true)
    let kind = fields.choice("kind", of: FactKind.self, required: true)
    let severity = fields.choice("severity", of: Severity.self, required: true)
    let precision = fields.choice("precision", of: Precision.self)
    let message = fields.text("message", required: true)
    let otherwise = fields.flag("otherwise")
    let subjects = readPatterns("subjects", in: &fields, allowsAny: true)
    if otherwise, fields.has("subjects") {
      fields.report(
        "a rule has \"subjects\" or \"otherwise\", not both", at: fields.places["otherwise"] ?? root.position)
    } else if !otherwise, !fields.has("subjects") {
      fields.reportMissing("subjects", "; list the names, or write \"otherwise: true\"")
    }
    var descriptor = RuleDescriptor(
      id: id?.text ?? "", title: title?.text ?? "", kind: kind ?? .callable, severity: severity ?? .info,
      message: message?.text ?? "")
    if let precision { descriptor.precision = precision }
    if let id { checkId(id, in: &fields) }
    descriptor.why = fields.text("why")?.text ?? ""
    descriptor.fix = fields.text("fix")?.text ?? ""
    if let since = fields.text("since") { descriptor.since = since.text }
    if let group = fields.text("group") {
      if !isKebab(group.text) {
        fields.report(
          "\(Printable.quoted(group.text)) is no name of a group; use lower-case words joined by \"-\"",
          at: group.position)
      }
      descriptor.group = group.text
    }
    descriptor.cwe = readList("cwe", in: &fields, like: "CWE-502") { isCode($0, prefix: "CWE-", extra: "") }
    descriptor.atlas = readList("atlas", in: &fields, like: "AML.T0011.000") {
      isCode($0, prefix: "AML.T", extra: ".") || isCode($0, prefix: "AML.TA", extra: "")
    }
    descriptor.references = readList("references", in: &fields, like: "https://…") {
      $0.hasPrefix("https://") || $0.hasPrefix("http://")
    }
    let aliases = fields.list("aliases")
    for alias in aliases { checkId(alias, in: &fields) }
    descriptor.aliases = aliases.map(\.text)
    var source = RuleSource(
      file: file, descriptor: descriptor, subjects: subjects, otherwise: otherwise, conditions: [],
      places: fields.places)
    if let kind {
      readConditions(kind, into: &source, in: &fields)
      if let message { checkMessage(message, kind: kind, in: &fields) }
    }
    let failed = fields.diagnostics.contains { $0.level == .error }
    return Result(rules: failed ? [] : [source], diagnostics: fields.diagnostics)
  }

  private static func readConditions(_ kind: FactKind, into source: inout RuleSource, in fields: inout FieldReader) {
    for field in ["where", "unless"] {
      for line in fields.list(field) {
        source.conditions.append(line)
        do {
          let condition = try ConditionReader.read(line.text, attributes: kind.attributes, kind: kind.rawValue)
          if field == "where" { source.allOf.append(condition) } else { source.noneOf.append(condition) }
        } catch {
          let place = SourcePosition(line: line.position.line, column: line.position.column + error.offset)
          fields.report(error.message, at: place)
        }
      }
    }
  }

  private static func checkMessage(_ message: Located, kind: FactKind, in fields: inout FieldReader) {
    for piece in MessageTemplate.pieces(of: message.text) {
      switch piece {
      case .text: continue
      case .unclosed:
        fields.report("a brace in the message is not closed; write {{ for a brace", at: message.position)
      case .placeholder(let name):
        guard !kind.placeholders.contains(name) else { continue }
        fields.report(
          "\(kind.rawValue) facts have nothing for {\(Printable.text(name, limit: 40))}"
            + Suggestion.ending(for: name, among: kind.placeholders), at: message.position)
      }
    }
  }

  private static func checkId(_ id: Located, in fields: inout FieldReader) {
    guard !isKebab(id.text) else { return }
    fields.report(
      "\(Printable.quoted(id.text)) is no rule id; use lower-case words joined by \"-\", such as process-spawn",
      at: id.position)
  }

  /// Lower-case words of letters and digits joined by single hyphens, a letter first, 64 bytes at most.
  static func isKebab(_ text: String) -> Bool {
    let words = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard text.utf8.count <= 64, let first = text.utf8.first, (0x61...0x7a).contains(first) else { return false }
    return words.allSatisfy { word in
      !word.isEmpty && word.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) }
    }
  }

  private static func isCode(_ text: String, prefix: String, extra: String) -> Bool {
    guard text.hasPrefix(prefix), text.utf8.count > prefix.utf8.count else { return false }
    return text.dropFirst(prefix.count).unicodeScalars.allSatisfy {
      ("0"..."9").contains($0) || extra.unicodeScalars.contains($0)
    }
  }

  private static func readList(
    _ field: String, in fields: inout FieldReader, like example: String, isValid: (String) -> Bool
  ) -> [String] {
    fields.list(field).map { entry in
      if !isValid(entry.text) {
        fields.report("\(Printable.quoted(entry.text)) does not look like \(example)", at: entry.position)
      }
      return entry.text
    }
  }

  private static func readPatterns(
    _ field: String, in fields: inout FieldReader, allowsAny: Bool
  ) -> [Located] {
    let names = fields.list(field)
    var seen: [[UInt8]: SourcePosition] = [:]
    for name in names {
      switch NamePattern.read(name.text) {
      case .failure(let problem): fields.report(problem.message, at: name.position)
      case .success(.any) where !allowsAny:
        fields.report("\"*\" would allow everything; list the names", at: name.position)
      case .success: break
      }
      if let first = seen.updateValue(name.position, forKey: Array(name.text.utf8)) {
        fields.report(
          "\(Printable.quoted(name.text)) is listed twice; the first is on line \(first.line)", at: name.position)
      }
    }
    return names
  }

  // MARK: Allowed names

  private static func readAllowFile(_ root: YamlNode, file: String) -> Result {
    guard case .mapping(let pairs) = root.content, let list = pairs.first(where: { $0.key.text == "allow" }) else {
      return readAllow(root, file: file)
    }
    var result = Result()
    let fields = FieldReader(root, file: file, known: ["allow"], what: "a file with \"allow\"")
    result.diagnostics = fields.diagnostics
    guard case .sequence(let groups) = list.value.content else {
      result.diagnostics.append(
        RuleDiagnostic(
          file: file, position: list.value.position,
          message: "\"allow\" takes a list of groups, and this is \(list.value.noun)"))
      return result
    }
    for group in groups {
      let one = readAllow(group, file: file)
      result.allows += one.allows
      result.diagnostics += one.diagnostics
    }
    return result
  }

  private static func readAllow(_ node: YamlNode, file: String) -> Result {
    var fields = FieldReader(node, file: file, known: allowFields, what: "a group of allowed names")
    guard case .mapping = node.content else { return Result(diagnostics: fields.diagnostics) }
    let kind = fields.has("kind") ? fields.choice("kind", of: FactKind.self) : .callable
    let library = fields.text("library", required: true)
    let reason = fields.text("reason", required: true)
    let names = readPatterns("names", in: &fields, allowsAny: false)
    if !fields.has("names") { fields.reportMissing("names") }
    let via = fields.list("via")
    if let kind, let place = fields.places["via"], !kind.attributes.contains("via") {
      fields.report("\(kind.rawValue) facts have no \"via\"", at: place)
    }
    let loader = fields.text("loader")
    if let loader, loader.text.isEmpty { fields.report("a loader without a name", at: loader.position) }
    let allow = AllowSource(
      file: file, position: node.position, kind: kind ?? .callable, library: library?.text ?? "",
      reason: reason?.text ?? "", names: names, via: via.map(\.text),
      loader: loader?.text ?? "")
    let failed = fields.diagnostics.contains { $0.level == .error }
    return Result(allows: failed ? [] : [allow], diagnostics: fields.diagnostics)
  }
}
