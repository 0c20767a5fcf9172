import MScanBytes
import MScanFacts

extension RuleSet {
  /// Decodes the built-in rules and adds those of users' folders, which take the place of rules with the same id.
  ///
  /// - Parameters:
  ///   - builtin: `BuiltinRules.data`.
  ///   - userDirectories: folders of rule files, later ones over earlier ones.
  /// - Throws: everything that is wrong in the users' files, with file, line and column.
  public static func load(
    builtin: StaticString, userDirectories: [String] = []
  ) throws(RuleLoadFailure) -> RuleSet {
    try load(builtin: builtin.bytes, userDirectories: userDirectories)
  }

  /// The same from bytes that ``encoded()`` wrote; no bytes stand for no built-in rules.
  public static func load(
    builtin: [UInt8], userDirectories: [String] = []
  ) throws(RuleLoadFailure) -> RuleSet {
    let base: RuleSet
    do {
      base = builtin.isEmpty ? .empty : try RuleSet(decoding: builtin)
    } catch {
      let message = "the rules in this program are damaged at byte \(error.offset); build or install it again"
      throw RuleLoadFailure([RuleDiagnostic(file: "built-in rules", message: message)])
    }
    guard !userDirectories.isEmpty else { return base }
    var builder = RuleSetBuilder()
    builder.add(base)
    var diagnostics: [RuleDiagnostic] = []
    for path in userDirectories {
      let folder = RuleFolder(path: path)
      diagnostics += folder.diagnostics.filter { $0.level == .error }
      builder.add(rules: folder.rules, allows: folder.allows, advisories: folder.advisories)
    }
    guard diagnostics.isEmpty else { throw RuleLoadFailure(diagnostics) }
    return builder.build()
  }

  /// Compiles what was read from files.
  ///
  /// - Throws: the folder's errors, if it has any.
  public init(compiling folder: RuleFolder) throws(RuleLoadFailure) {
    let errors = folder.diagnostics.filter { $0.level == .error }
    guard errors.isEmpty else { throw RuleLoadFailure(errors) }
    var builder = RuleSetBuilder()
    builder.add(rules: folder.rules, allows: folder.allows, advisories: folder.advisories)
    self = builder.build()
  }
}
