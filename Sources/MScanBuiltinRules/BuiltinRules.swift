/// The rules of `Rules/`, compiled into this program by the `EmbedRules` plugin.
public enum BuiltinRules {
  /// What `RuleSet.load(builtin:)` takes.
  public static var data: StaticString { EmbeddedRules.data }
  /// Hash of the contents: sixteen hexadecimal digits.
  public static var version: StaticString { EmbeddedRules.version }
}
