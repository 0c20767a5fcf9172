import MScanBuiltinRules
import MScanBytes
public import MScanFacts
public import MScanRules

/// The rules of this program and those that users add.
public enum RuleLibrary {
  /// - Parameter directories: folders of rules, later ones over earlier ones.
  /// - Throws: everything that is wrong in them.
  public static func load(adding directories: [String] = []) throws(RuleLoadFailure) -> RuleSet {
    try RuleSet.load(builtin: BuiltinRules.data, userDirectories: directories)
  }
}

/// Rules by the names that people give them.
public struct RuleIndex: Sendable {
  private let rules: RuleSet

  public init(_ rules: RuleSet) { self.rules = rules }

  /// The present id of a rule, from it or from one that it had before.
  public func id(of name: String) -> String? { descriptor(of: name)?.id }

  public func descriptor(of name: String) -> RuleDescriptor? {
    Policy.ownRules.first { $0.id == name } ?? rules.rule(named: name)
  }

  /// Groups of rules that stay quiet until they are selected.
  public var groups: [String] { rules.groups }

  /// Every rule, in order of id.
  public var all: [RuleDescriptor] {
    (rules.rules + Policy.ownRules).sorted { $0.id.precedes($1.id) }
  }

  /// What to say of a name that no rule has.
  public func unknown(_ name: String) -> String {
    let names = all.flatMap { [$0.id] + $0.aliases } + groups
    let ending = Spelling.ending(for: name, among: names)
    return "there is no rule '\(name)'" + (ending.isEmpty ? "; see 'mscan-lint rules list'" : ending)
  }
}
