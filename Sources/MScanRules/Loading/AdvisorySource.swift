public import MScanFacts

/// A model that is known to be bad, or to have been: an advisory that comes with the rules.
public struct KnownAdvisory: Sendable, Hashable {
  /// Which models made from it share the flaw.
  public enum Reach: String, Sendable, Hashable, CaseIterable {
    case none
    case untilRetrained = "until-retrained"
    case descendants
  }

  public var id: String
  public var summary: String
  /// `org/name`, with the owner: the same name of somebody else is another model.
  public var models: [String]
  /// SHA-256 of files, in lower-case hexadecimal digits.
  public var files: [String]
  public var severity: Severity
  public var reach: Reach
  public var references: [String]
}

extension KnownAdvisory {
  static let fields = ["id", "summary", "models", "files", "severity", "reach", "references"]

  /// A file whose one field `advisories` lists them.
  static func read(_ root: YamlNode, file: String) -> RuleReader.Result {
    var result = RuleReader.Result()
    let whole = FieldReader(root, file: file, known: ["advisories"], what: "a file with \"advisories\"")
    result.diagnostics = whole.diagnostics
    guard let list = whole.node("advisories"), case .sequence(let entries) = list.content else {
      let position = whole.node("advisories")?.position ?? root.position
      result.diagnostics.append(
        RuleDiagnostic(file: file, position: position, message: "\"advisories\" takes a list of advisories"))
      return result
    }
    var places: [String: SourcePosition] = [:]
    for entry in entries {
      var fields = FieldReader(entry, file: file, known: Self.fields, what: "an advisory")
      if case .mapping = entry.content, let one = one(&fields) {
        if let first = places.updateValue(entry.position, forKey: one.id) {
          fields.report("\(Printable.quoted(one.id)) is already on line \(first.line)", at: entry.position)
        }
        result.advisories.append(one)
      }
      result.diagnostics += fields.diagnostics
    }
    return result
  }

  /// Nil for one that cannot be used, which is reported.
  private static func one(_ fields: inout FieldReader) -> KnownAdvisory? {
    let id = fields.text("id", required: true)
    let summary = fields.text("summary", required: true)
    let severity = fields.choice("severity", of: Severity.self, required: true)
    let reach = fields.choice("reach", of: Reach.self) ?? .descendants
    let models = fields.list("models")
    for model in models where model.text.utf8.split(separator: UInt8(ascii: "/")).count != 2 {
      fields.report("\(Printable.quoted(model.text)) does not look like org/name", at: model.position)
    }
    let files = fields.list("files")
    for digest in files where digest.text.utf8.count != 64 || !digest.text.utf8.allSatisfy(isLowerHex) {
      fields.report("a file is named by the 64 lower-case hexadecimal digits of its SHA-256", at: digest.position)
    }
    let references = fields.list("references")
    for link in references where !link.text.hasPrefix("https://") {
      fields.report("\(Printable.quoted(link.text)) does not look like https://…", at: link.position)
    }
    if !fields.has("models"), !fields.has("files") {
      fields.reportMissing("models", "; name what the advisory is about by \"models\" or \"files\"")
    }
    guard let id, let summary, let severity, !fields.diagnostics.contains(where: { $0.level == .error }) else {
      return nil
    }
    return KnownAdvisory(
      id: id.text, summary: summary.text, models: models.map(\.text), files: files.map(\.text), severity: severity,
      reach: reach, references: references.map(\.text))
  }

  private static func isLowerHex(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }

  // MARK: Compact form

  func write(to writer: inout CompactWriter) {
    writer.write(severity.rank)
    writer.write(Reach.allCases.firstIndex(of: reach) ?? 0)
    writer.write(id)
    writer.write(summary)
    for list in [models, files, references] { writer.write(list) }
  }

  init(from reader: inout CompactReader) throws(CompactDamage) {
    severity = try RuleSet.choice(Severity.allCases, &reader)
    reach = try RuleSet.choice(Reach.allCases, &reader)
    id = try reader.readText()
    summary = try reader.readText()
    models = try reader.readTexts()
    files = try reader.readTexts()
    references = try reader.readTexts()
  }
}
