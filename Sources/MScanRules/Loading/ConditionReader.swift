import MScanFacts

/// Reads `attribute operator literal`.
enum ConditionReader {
  /// Why a condition cannot be read, and where in it, in Unicode scalars from 0.
  struct Problem: Error, Hashable {
    var message: String
    var offset = 0
  }

  /// - Parameter attributes: what the rule's kind has.
  static func read(_ text: String, attributes: [String], kind: String) throws(Problem) -> Condition {
    let words = Words(text)
    guard let (attribute, afterAttribute) = words.next(from: 0) else {
      throw Problem(message: "an empty condition; write attribute, operator and literal")
    }
    guard attributes.contains(attribute) else {
      throw Problem(
        message: "\(kind) facts have no attribute \(Printable.quoted(attribute))"
          + Suggestion.ending(for: attribute, among: attributes))
    }
    guard let (first, afterFirst) = words.next(from: afterAttribute) else {
      throw Problem(message: "\(Printable.quoted(attribute)) has no operator; use one of \(operators)")
    }
    var found = (name: first, end: afterFirst)
    if ["is", "starts", "ends", "contains"].contains(first), let (second, end) = words.next(from: afterFirst) {
      if Condition.Operator(rawValue: first + " " + second) != nil { found = (first + " " + second, end) }
    }
    let at = words.skipSpace(from: afterAttribute)
    guard let comparison = Condition.Operator(rawValue: found.name) else {
      let names = Condition.Operator.allCases.map(\.rawValue)
      let near = Suggestion.nearest(to: found.name, among: names)
      throw Problem(
        message: "unknown operator \(Printable.quoted(found.name))"
          + (near.map { "; did you mean \"\($0)\"?" } ?? "; use one of \(operators)"), offset: at)
    }
    let start = words.skipSpace(from: found.end)
    let literals = try readLiterals(words, from: start, for: comparison)
    return Condition(attribute: attribute, comparison: comparison, literals: literals)
  }

  private static let operators = "is, is not, in, contains, contains any, starts with, ends with, over, under, exists"

  private static func readLiterals(
    _ words: Words, from start: Int, for comparison: Condition.Operator
  ) throws(Problem) -> [Literal] {
    let name = comparison.rawValue
    let isEmpty = start >= words.scalars.count
    switch comparison {
    case .exists:
      guard isEmpty else { throw Problem(message: "\"exists\" takes no literal", offset: start) }
      return []
    case .isIn, .containsAny:
      guard !isEmpty, words.scalars[start] == "[" else {
        throw Problem(message: "\"\(name)\" takes a list: \(name) [a, b]", offset: start)
      }
      return try readList(words, from: start)
    default:
      guard !isEmpty else { throw Problem(message: "\"\(name)\" needs a literal after it", offset: start) }
      guard words.scalars[start] != "[" else {
        throw Problem(
          message: "\"\(name)\" takes one literal; only \"in\" and \"contains any\" take a list", offset: start)
      }
      let literal: Literal
      if words.scalars[start] == "\"" {
        let (text, end) = try readQuoted(words, from: start)
        guard words.skipSpace(from: end) >= words.scalars.count else {
          throw Problem(message: "something follows the closing quote", offset: end)
        }
        literal = Literal(text, quoted: true)
      } else {
        literal = Literal(words.text(start, words.end), quoted: false)
      }
      if comparison == .over || comparison == .under, literal.integer == nil {
        throw Problem(message: "\"\(name)\" needs a whole number", offset: start)
      }
      return [literal]
    }
  }

  private static func readList(_ words: Words, from start: Int) throws(Problem) -> [Literal] {
    var literals: [Literal] = []
    var at = start + 1
    let scalars = words.scalars
    while true {
      at = words.skipSpace(from: at)
      guard at < scalars.count else { throw Problem(message: "the list has no closing bracket", offset: start) }
      if scalars[at] == "]", literals.isEmpty { throw Problem(message: "the list is empty", offset: start) }
      if scalars[at] == "\"" {
        let (text, end) = try readQuoted(words, from: at)
        literals.append(Literal(text, quoted: true))
        at = words.skipSpace(from: end)
      } else {
        var end = at
        while end < scalars.count, scalars[end] != ",", scalars[end] != "]" { end += 1 }
        let text = words.text(at, words.trimEnd(end, from: at))
        guard !text.isEmpty else { throw Problem(message: "the list has an empty place", offset: at) }
        literals.append(Literal(text, quoted: false))
        at = end
      }
      guard at < scalars.count else { throw Problem(message: "the list has no closing bracket", offset: start) }
      if scalars[at] == "]" {
        guard words.skipSpace(from: at + 1) >= scalars.count else {
          throw Problem(message: "something follows the list", offset: at + 1)
        }
        return literals
      }
      guard scalars[at] == "," else { throw Problem(message: "expected a comma or \"]\" here", offset: at) }
      at += 1
    }
  }

  /// A text in double quotes; `\"`, `\\`, `\n` and `\t` are the escapes.
  private static func readQuoted(_ words: Words, from start: Int) throws(Problem) -> (String, Int) {
    var text = String.UnicodeScalarView()
    var at = start + 1
    let scalars = words.scalars
    while at < scalars.count {
      switch scalars[at] {
      case "\"": return (String(text), at + 1)
      case "\\":
        at += 1
        guard at < scalars.count else { break }
        switch scalars[at] {
        case "\"", "\\": text.append(scalars[at])
        case "n": text.append("\n")
        case "t": text.append("\t")
        default: throw Problem(message: "unknown escape; use \\\", \\\\, \\n or \\t", offset: at - 1)
        }
      default: text.append(scalars[at])
      }
      at += 1
    }
    throw Problem(message: "the text has no closing quote", offset: start)
  }

  /// A condition cut at spaces.
  private struct Words {
    let scalars: [Unicode.Scalar]

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// End of the text without the spaces there.
    var end: Int { trimEnd(scalars.count, from: 0) }

    func isSpace(_ index: Int) -> Bool { [" ", "\t", "\n", "\r"].contains(scalars[index]) }

    func skipSpace(from start: Int) -> Int {
      var at = start
      while at < scalars.count, isSpace(at) { at += 1 }
      return at
    }

    func trimEnd(_ end: Int, from start: Int) -> Int {
      var at = end
      while at > start, isSpace(at - 1) { at -= 1 }
      return at
    }

    func next(from start: Int) -> (String, Int)? {
      let first = skipSpace(from: start)
      var at = first
      while at < scalars.count, !isSpace(at) { at += 1 }
      return at > first ? (text(first, at), at) : nil
    }

    func text(_ start: Int, _ end: Int) -> String {
      var view = String.UnicodeScalarView()
      if start < end { view.append(contentsOf: scalars[start..<end]) }
      return String(view)
    }
  }
}
