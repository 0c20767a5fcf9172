import MScanBytes
import MScanFacts

/// What is asked of a folder of rules before it ships, beyond that it loads.
public enum RuleCheck {
  /// Everything wrong in the rule files below `directory`, in order of file and place; empty when they are fit to ship.
  ///
  /// - Parameter fixtures: the folder that holds `<id>/fires-*` and `<id>/quiet-*` for each rule; nil to leave that out.
  public static func run(directory: String, fixtures: String? = nil) -> [RuleDiagnostic] {
    run(RuleFolder(path: directory), fixtures: fixtures)
  }

  /// The same for files that are already read.
  public static func run(_ folder: RuleFolder, fixtures: String? = nil) -> [RuleDiagnostic] {
    var found = folder.diagnostics
    for rule in folder.rules {
      found += fields(of: rule)
      if let fixtures { found += missingFixtures(of: rule, in: fixtures) }
    }
    found += names(folder)
    return found.inOrder()
  }

  // MARK: One rule

  private static func fields(of rule: RuleSource) -> [RuleDiagnostic] {
    var found: [RuleDiagnostic] = []
    func report(_ message: String, at position: SourcePosition, level: RuleDiagnostic.Level = .error) {
      found.append(RuleDiagnostic(file: rule.file, position: position, level: level, message: message))
    }
    for field in ["why", "fix", "cwe"] where rule.places[field] == nil {
      report("\"\(field)\" is missing", at: .start)
    }
    let base = rule.file.split(separator: "/").last.map(String.init) ?? rule.file
    let name = base.hasSuffix(".yaml") ? String(base.dropLast(5)) : base
    if name != rule.descriptor.id {
      report(
        "the id is \"\(rule.descriptor.id)\" and the file is \(Printable.text(base)); "
          + "name the file \(rule.descriptor.id).yaml", at: rule.place(of: "id"))
    }
    if let alias = rule.descriptor.aliases.first(where: { $0 == rule.descriptor.id }) {
      report("\"\(alias)\" is the id itself; an alias is a name it had before", at: rule.place(of: "aliases"))
    }
    if rule.descriptor.title.hasSuffix(".") {
      report("the title ends in a full stop; leave it out", at: rule.place(of: "title"), level: .warning)
    }
    return found
  }

  private static func missingFixtures(of rule: RuleSource, in fixtures: String) -> [RuleDiagnostic] {
    let path = fixtures + "/" + rule.descriptor.id
    func diagnostic(_ message: String) -> RuleDiagnostic {
      RuleDiagnostic(file: rule.file, position: rule.place(of: "id"), message: message)
    }
    let shown = "rules/" + rule.descriptor.id
    do {
      let entries = try Directory.list(path)
      return [("fires-", "that it finds"), ("quiet-", "like it that it leaves alone")].compactMap { prefix, sort in
        if entries.contains(where: { $0.name.hasPrefix(prefix) }) { return nil }
        return diagnostic("no fixture \(shown)/\(prefix)*; add a case \(sort)")
      }
    } catch {
      return [diagnostic("no fixtures in \(shown): the folder \(error.explanation); add fires-* and quiet-* there")]
    }
  }

  // MARK: Names

  private struct Name: Hashable {
    var kind: FactKind
    var text: [UInt8]
  }

  private struct Owner {
    var file: String
    var position: SourcePosition
    /// Nil for allowed names.
    var rule: String?
    var isConditional: Bool
  }

  /// Names that two files claim so that one of them says nothing.
  private static func names(_ folder: RuleFolder) -> [RuleDiagnostic] {
    var found: [RuleDiagnostic] = []
    var denied: [Name: Owner] = [:]
    // The order in which rules win, so that the first owner of a name is the one that fires.
    let rules = folder.rules.sorted {
      ($1.descriptor.severity, $0.descriptor.id) < ($0.descriptor.severity, $1.descriptor.id)
    }
    for rule in rules {
      for subject in rule.subjects {
        let name = Name(kind: rule.descriptor.kind, text: Array(subject.text.utf8))
        let owner = Owner(
          file: rule.file, position: subject.position, rule: rule.descriptor.id, isConditional: !rule.conditions.isEmpty
        )
        guard let first = denied[name] else {
          denied[name] = owner
          continue
        }
        if !first.isConditional {
          found.append(
            RuleDiagnostic(
              file: rule.file, position: subject.position, level: .warning,
              message: "\(Printable.quoted(subject.text)) never fires here; \(first.rule ?? "") names it and wins"))
        } else if !owner.isConditional {
          denied[name] = owner
        }
      }
    }
    var allowed: [Name: Owner] = [:]
    for allow in folder.allows where allow.loader.isEmpty {
      for entry in allow.names {
        let name = Name(kind: allow.kind, text: Array(entry.text.utf8))
        func report(_ message: String, level: RuleDiagnostic.Level = .error) {
          found.append(RuleDiagnostic(file: allow.file, position: entry.position, level: level, message: message))
        }
        let owner = Owner(file: allow.file, position: entry.position, rule: nil, isConditional: !allow.via.isEmpty)
        if let first = allowed[name] {
          report("\(Printable.quoted(entry.text)) is already allowed in \(first.file):\(first.position.line)")
        } else {
          allowed[name] = owner
        }
        if let denial = denied[name] {
          report(
            "\(Printable.quoted(entry.text)) is denied by \(denial.rule ?? "") in \(denial.file):\(denial.position.line); "
              + (denial.isConditional ? "allowed only where its conditions do not hold" : "a name is one or the other"),
            level: denial.isConditional ? .warning : .error)
        }
        // Whole namespaces of operators are one library's; a module of Python holds whatever it imports.
        if entry.text.hasSuffix(".*"), allow.kind == .callable {
          report("\(Printable.quoted(entry.text)) allows names nobody has looked at; list them", level: .warning)
        }
      }
    }
    return found
  }
}
