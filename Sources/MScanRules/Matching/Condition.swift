import MScanFacts

/// What a condition compares with.
struct Literal: Sendable, Hashable {
  var text: String
  /// Nil for a text in quotes, or one that is no whole number.
  var integer: Int?
  var boolean: Bool?

  init(_ text: String, quoted: Bool) {
    self.text = text
    integer = quoted ? nil : Int(text)
    boolean = quoted ? nil : (text == "true" ? true : text == "false" ? false : nil)
  }

  var isQuoted: Bool { integer == nil && boolean == nil }
}

/// `attribute operator literal`: one line of a rule's `where` or `unless`.
///
/// A condition on an attribute that the fact does not have fails, except `is not`, which holds.
struct Condition: Sendable, Hashable {
  enum Operator: String, Sendable, Hashable, CaseIterable {
    case isNot = "is not"
    case equals = "is"
    case isIn = "in"
    case contains
    case startsWith = "starts with"
    case endsWith = "ends with"
    case over, under, exists
    case containsAny = "contains any"

    /// Place in `allCases`, for the compact form.
    var ordinal: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  var attribute: String
  var comparison: Operator
  /// One, except any number for `in` and `contains any`, and none for `exists`.
  var literals: [Literal]

  func holds(for value: AttributeValue?) -> Bool {
    guard let value else { return comparison == .isNot }
    switch comparison {
    case .isNot: return !isAny(value)
    case .equals, .isIn: return isAny(value)
    case .contains, .startsWith, .endsWith, .containsAny: return hasPart(value)
    case .over:
      guard case .integer(let number) = value, let bound = literals.first?.integer else { return false }
      return number > bound
    case .under:
      guard case .integer(let number) = value, let bound = literals.first?.integer else { return false }
      return number < bound
    case .exists:
      switch value {
      case .text(let text): return !text.isEmpty
      case .list(let list): return !list.isEmpty
      case .integer, .boolean: return true
      }
    }
  }

  /// Whether the value, or an element of it, is one of the literals.
  private func isAny(_ value: AttributeValue) -> Bool {
    literals.contains { literal in
      switch value {
      case .text(let text): Self.same(text, literal.text)
      case .integer(let number): number == literal.integer
      case .boolean(let flag): flag == literal.boolean
      case .list(let list): list.contains { Self.same($0, literal.text) }
      }
    }
  }

  private func hasPart(_ value: AttributeValue) -> Bool {
    literals.contains { literal in
      switch value {
      case .text(let text): hasPart(text, literal.text)
      case .list(let list):
        // A list contains its elements, not their parts.
        list.contains {
          comparison == .contains || comparison == .containsAny
            ? Self.same($0, literal.text) : hasPart($0, literal.text)
        }
      case .integer, .boolean: false
      }
    }
  }

  private func hasPart(_ text: String, _ part: String) -> Bool {
    switch comparison {
    case .startsWith: text.utf8.starts(with: part.utf8)
    case .endsWith: text.utf8.reversed().starts(with: part.utf8.reversed())
    default: Self.find(Array(part.utf8), in: text)
    }
  }

  /// Bytes, not characters: Swift's `==` on strings holds for texts that differ in how accents are written.
  static func same(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
  }

  private static func find(_ part: [UInt8], in text: String) -> Bool {
    guard let first = part.first else { return true }
    let bytes = text.utf8.span
    var at = 0
    next: while at <= bytes.count - part.count {
      defer { at += 1 }
      guard bytes[at] == first else { continue }
      for step in 1..<max(1, part.count) where bytes[at + step] != part[step] { continue next }
      return true
    }
    return false
  }
}
