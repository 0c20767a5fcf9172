/// A YAML document as rule files and configurations are written: texts, lists and mappings with text keys.
///
/// Aliases, anchors, tags, repeated keys and second documents are refused, so that reading costs no more than the file
/// is long. Source: YAML 1.1 as libyaml reads it.
public struct YamlDocument: Sendable {
  public enum Content: Sendable {
    case text(String)
    case list([YamlDocument])
    case mapping([(key: Located, value: YamlDocument)])
    /// A key without a value.
    case nothing
  }

  public var position: SourcePosition
  public var content: Content

  /// - Parameter file: the file's name for the error.
  /// - Throws: the first thing that is wrong.
  public init(_ bytes: [UInt8], file: String) throws(RuleLoadFailure) {
    do {
      self.init(try YamlReader.read(bytes))
    } catch {
      throw RuleLoadFailure([RuleDiagnostic(file: file, position: error.position, message: error.message)])
    }
  }

  // The reader bounds the depth.
  init(_ node: YamlNode) {
    position = node.position
    switch node.content {
    case .scalar("", plain: true): content = .nothing
    case .scalar(let text, _): content = .text(text)
    case .sequence(let items): content = .list(items.map { YamlDocument($0) })
    case .mapping(let pairs): content = .mapping(pairs.map { ($0.key, YamlDocument($0.value)) })
    }
  }

  /// What it is, for a message.
  public var noun: String {
    switch content {
    case .text: "a text"
    case .list: "a list"
    case .mapping: "a mapping"
    case .nothing: "nothing"
    }
  }
}

/// What a person meant who wrote a name that does not exist.
public enum Spelling {
  /// `; did you mean "x"?`, or the list of what there is when it is short enough to read.
  public static func ending(for word: String, among candidates: [String]) -> String {
    Suggestion.ending(for: word, among: candidates)
  }
}
