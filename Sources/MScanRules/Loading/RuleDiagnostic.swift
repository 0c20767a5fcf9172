/// A place in a text file.
public struct SourcePosition: Sendable, Hashable, Comparable {
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// The first character of a file.
  public static let start = SourcePosition(line: 1, column: 1)

  public static func < (a: SourcePosition, b: SourcePosition) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// Something wrong in a rule file, for the person who wrote it.
public struct RuleDiagnostic: Sendable, Hashable, CustomStringConvertible {
  public enum Level: String, Sendable, Hashable {
    /// The rules are not usable.
    case error
    /// The rules work, and should be better.
    case warning
  }

  /// The file as reported: relative to the folder that was given, below that folder's own name.
  public var file: String
  public var position: SourcePosition
  public var level: Level
  /// What is wrong and what to write instead; one sentence, no full stop.
  public var message: String

  public init(file: String, position: SourcePosition = .start, level: Level = .error, message: String) {
    self.file = file
    self.position = position
    self.level = level
    self.message = message
  }

  /// `Rules/callable/x.yaml:7:3: unknown field "severty"; did you mean "severity"?`
  public var description: String {
    let warning = level == .warning ? "warning: " : ""
    return "\(file):\(position.line):\(position.column): \(warning)\(message)"
  }
}

/// Why rules were not loaded: every problem that was found, in order of file and place.
public struct RuleLoadFailure: Error, Sendable, Hashable {
  public var diagnostics: [RuleDiagnostic]

  public init(_ diagnostics: [RuleDiagnostic]) { self.diagnostics = diagnostics }
}

/// A text and where it was written.
public struct Located: Sendable, Hashable {
  public var text: String
  public var position: SourcePosition

  public init(_ text: String, at position: SourcePosition) {
    self.text = text
    self.position = position
  }
}

extension [RuleDiagnostic] {
  func inOrder() -> [RuleDiagnostic] {
    enumerated().sorted {
      if $0.element.file != $1.element.file {
        return $0.element.file.utf8.lexicographicallyPrecedes($1.element.file.utf8)
      }
      return ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
    }.map(\.element)
  }
}
