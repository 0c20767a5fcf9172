/// Takes the fields of a mapping one by one and remembers what was wrong with them.
struct FieldReader {
  let file: String
  private let pairs: [YamlNode.Pair]
  let position: SourcePosition
  private(set) var diagnostics: [RuleDiagnostic] = []

  /// A mapping whose every key is one of `known`; others are reported, and skipped.
  init(_ node: YamlNode, file: String, known: [String], what: String) {
    self.file = file
    position = node.position
    guard case .mapping(let all) = node.content else {
      pairs = []
      report("\(what) is a mapping of fields, and this is \(node.noun)", at: node.position)
      return
    }
    pairs = all.filter { known.contains($0.key.text) }
    for pair in all where !known.contains(pair.key.text) {
      let near = Suggestion.nearest(to: pair.key.text, among: known)
      let name = Printable.quoted(pair.key.text)
      let ending = near.map { "; did you mean \"\($0)\"?" } ?? "; \(what) has \(known.joined(separator: ", "))"
      report("unknown field \(name)\(ending)", at: pair.key.position)
    }
  }

  var places: [String: SourcePosition] {
    Dictionary(pairs.map { ($0.key.text, $0.key.position) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func report(_ message: String, at position: SourcePosition, level: RuleDiagnostic.Level = .error) {
    diagnostics.append(RuleDiagnostic(file: file, position: position, level: level, message: message))
  }

  func has(_ field: String) -> Bool { pairs.contains { $0.key.text == field } }

  func node(_ field: String) -> YamlNode? { pairs.first { $0.key.text == field }?.value }

  mutating func reportMissing(_ field: String, _ hint: String = "") {
    report("\"\(field)\" is missing\(hint)", at: position)
  }

  /// A text that is not empty; nil when the field was left out or is something else, which is reported.
  mutating func text(_ field: String, required: Bool = false) -> Located? {
    guard let node = node(field) else {
      if required { reportMissing(field) }
      return nil
    }
    guard case .scalar(let raw, _) = node.content else {
      report("\"\(field)\" takes a text, and this is \(node.noun)", at: node.position)
      return nil
    }
    // A folded block ends in a line break that nobody meant.
    let text = raw.trimmed()
    guard !text.isEmpty else {
      report("\"\(field)\" is empty", at: node.position)
      return nil
    }
    return Located(text, at: node.position)
  }

  /// A list of texts; empty when the field was left out.
  mutating func list(_ field: String) -> [Located] {
    guard let node = node(field) else { return [] }
    guard case .sequence(let items) = node.content else {
      report(
        "\"\(field)\" takes a list, and this is \(node.noun); write [a, b], or one \"- \" a line", at: node.position)
      return []
    }
    var texts: [Located] = []
    for item in items {
      if case .scalar(let text, _) = item.content, !text.isEmpty {
        texts.append(Located(text, at: item.position))
      } else {
        report(
          "an entry of \"\(field)\" is a text, and this is \(item.noun); put it in quotes if it holds \": \"",
          at: item.position)
      }
    }
    if items.isEmpty { report("\"\(field)\" is an empty list", at: node.position) }
    return texts
  }

  /// `true` or `false` without quotes; false when the field was left out.
  mutating func flag(_ field: String) -> Bool {
    guard let node = node(field) else { return false }
    switch node.content {
    case .scalar("true", plain: true): return true
    case .scalar("false", plain: true): return false
    default:
      report("\"\(field)\" is true or false", at: node.position)
      return false
    }
  }

  /// One of the values of an enumeration.
  mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ field: String, of type: Value.Type, required: Bool = false
  ) -> Value? where Value.RawValue == String {
    guard let text = text(field, required: required) else { return nil }
    if let value = Value(rawValue: text.text) { return value }
    let names = Value.allCases.map(\.rawValue)
    report(
      "unknown \(field) \(Printable.quoted(text.text))" + Suggestion.ending(for: text.text, among: names),
      at: text.position)
    return nil
  }
}

extension String {
  /// Without spaces and line breaks at both ends.
  func trimmed() -> String {
    let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\r" || $0 == "\t" }
    var rest = unicodeScalars[...].drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return String(rest)
  }
}
