/// What a regular expression in a tokenizer or a configuration says literally, and whether matching it can take forever. The dialects of
/// Oniguruma and of Rust's `regex` and `fancy-regex`, as far as these two questions need them; nothing is matched.
public struct RegexShape: Sendable {
  public enum Flaw: String, Sendable {
    /// A repetition without a bound in another one, `(a+)+`, or one of alternatives that begin alike, `(a|ab)*`.
    case backtracking = "regex-backtracking"
    /// `{1,100000}`.
    case count = "regex-count"
  }

  /// Letters and digits that stand for themselves, with blanks where anything else is. A class of letters is an `a`,
  /// two where it repeats, one of digits a `0`. What is only looked at, ahead or behind, is left out.
  public private(set) var literal = ""
  public private(set) var flaw: Flaw?

  private struct Group {
    /// A repetition without a bound is in it.
    var repeats = false
    /// First atoms of its alternatives.
    var starts: [String] = []
    var isAtStart = true
    /// Matches nothing itself.
    var isLookaround = false
    /// Does not go back.
    var isAtomic = false
  }

  private enum Atom: Equatable {
    case literal(Unicode.Scalar), letters, digits, other
    case group(Group)

    static func == (a: Atom, b: Atom) -> Bool {
      switch (a, b) {
      case (.literal(let x), .literal(let y)): x == y
      case (.letters, .letters), (.digits, .digits), (.other, .other): true
      default: false
      }
    }
  }

  /// Repetitions beyond this are a flaw.
  private static let mostCounted = 1000

  private var scalars: [Unicode.Scalar]
  private var at = 0
  private var groups = [Group()]

  public init(_ pattern: String) {
    scalars = Array(pattern.unicodeScalars)
    while at < scalars.count { step() }
    scalars = []
  }

  private mutating func step() {
    let start = at
    let scalar = scalars[at]
    at += 1
    switch scalar {
    case "(": open()
    case ")":
      guard groups.count > 1, let group = groups.popLast() else { return }
      finish(.group(group), from: start)
    case "|":
      separate()
      groups[groups.count - 1].isAtStart = true
    case "[": finish(characterClass(), from: start)
    case "\\": finish(escape(), from: start)
    case ".": finish(.other, from: start)
    case "^", "$": separate()
    default: finish(.literal(scalar), from: start)
    }
  }

  private mutating func open() {
    var group = Group(isLookaround: groups.last?.isLookaround ?? false)
    if peek() == "?" {
      at += 1
      switch peek() {
      case "=", "!": group.isLookaround = true
      case ">": group.isAtomic = true
      case "<" where at + 1 < scalars.count && (scalars[at + 1] == "=" || scalars[at + 1] == "!"):
        group.isLookaround = true
        at += 1
      default: break
      }
      if peek() == "#" {
        while let next = peek(), next != ")" { at += next == "\\" ? 2 : 1 }
        at = min(at + 1, scalars.count)
        return
      }
      // Flags and names: `(?i:`, `(?<name>`, `(?P<name>`.
      while let next = peek(), next != ":", next != ")", next != ">", next != "=", next != "!" { at += 1 }
      if peek() == ")" {
        at += 1
        return
      }
      at = min(at + 1, scalars.count)
    }
    separate()
    groups.append(group)
  }

  private func peek() -> Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

  // MARK: Atoms

  private mutating func escape() -> Atom {
    guard let scalar = peek() else { return .other }
    at += 1
    switch scalar {
    case "d": return .digits
    case "w": return .letters
    case "p", "P":
      var name = ""
      if peek() == "{" {
        while let next = peek(), next != "}" {
          name.unicodeScalars.append(next)
          at += 1
        }
        at = min(at + 1, scalars.count)
      } else if let next = peek() {
        name = "{" + String(next)
        at += 1
      }
      if scalar == "P" || name.hasPrefix("{^") { return .other }
      return name.hasPrefix("{L") ? .letters : name.hasPrefix("{N") ? .digits : .other
    case "x", "u":
      var digits = ""
      let isBraced = peek() == "{"
      if isBraced { at += 1 }
      let most = isBraced ? 8 : scalar == "x" ? 2 : 4
      while let next = peek(), next.properties.isASCIIHexDigit, digits.count < most {
        digits.unicodeScalars.append(next)
        at += 1
      }
      if isBraced, peek() == "}" { at += 1 }
      return UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init).map { .literal($0) } ?? .other
    case _ where scalar.properties.isAlphabetic || ("0"..."9").contains(scalar): return .other
    default: return .literal(scalar)
    }
  }

  private mutating func characterClass() -> Atom {
    let isNegated = peek() == "^"
    if isNegated { at += 1 }
    var depth = 1
    var (letters, digits) = (false, false)
    var isFirst = true
    while let scalar = peek() {
      at += 1
      switch scalar {
      case "]" where isFirst && depth == 1: break
      case "]":
        depth -= 1
        if depth == 0 {
          if isNegated { return .other }
          return letters ? .letters : digits ? .digits : .other
        }
      case "[": depth += 1
      case "\\":
        switch escape() {
        case .letters: letters = true
        case .digits: digits = true
        case .literal(let literal): note(literal, &letters, &digits)
        default: break
        }
      default: note(scalar, &letters, &digits)
      }
      isFirst = false
    }
    return .other
  }

  private func note(_ scalar: Unicode.Scalar, _ letters: inout Bool, _ digits: inout Bool) {
    if ("0"..."9").contains(scalar) { digits = true } else if scalar.properties.isAlphabetic { letters = true }
  }

  // MARK: Repetitions

  /// Takes what stands behind an atom, and accounts for both.
  private mutating func finish(_ atom: Atom, from start: Int) {
    let end = at
    let most = quantifier()
    let isPossessive = most != nil && peek() == "+"
    if most != nil, peek() == "+" || peek() == "?" { at += 1 }
    let top = groups.count - 1
    if groups[top].isAtStart {
      groups[top].isAtStart = false
      if groups[top].starts.count < 64 {
        groups[top].starts.append(String(String.UnicodeScalarView(scalars[start..<min(end, start + 32)])))
      }
    }
    let isUnbounded = most == .max && !isPossessive
    if let most, most != .max, most > Self.mostCounted, flaw == nil { flaw = .count }
    if case .group(let group) = atom {
      separate()
      if isUnbounded, !group.isAtomic, group.repeats || Set(group.starts).count < group.starts.count {
        flaw = .backtracking
      }
      if group.repeats, !group.isAtomic, !isPossessive { groups[top].repeats = true }
    } else {
      write(atom, isRepeated: (most ?? 1) > 1)
    }
    if isUnbounded { groups[top].repeats = true }
  }

  /// The most times an atom is taken; `.max` without a bound, nil when nothing is said.
  private mutating func quantifier() -> Int? {
    switch peek() {
    case "*", "+":
      at += 1
      return .max
    case "?":
      at += 1
      return 1
    case "{":
      var end = at + 1
      var numbers: [String] = [""]
      while end < scalars.count, scalars[end] != "}" {
        if scalars[end] == "," {
          numbers.append("")
        } else if ("0"..."9").contains(scalars[end]), numbers.count <= 2 {
          numbers[numbers.count - 1].unicodeScalars.append(scalars[end])
        } else {
          return nil
        }
        end += 1
      }
      guard end < scalars.count, numbers.count <= 2, let last = numbers.last, let first = numbers.first,
        !(first.isEmpty && last.isEmpty)
      else { return nil }
      at = end + 1
      return last.isEmpty ? .max : Int(last) ?? .max
    default: return nil
    }
  }

  private mutating func write(_ atom: Atom, isRepeated: Bool) {
    guard groups.last?.isLookaround != true else { return }
    switch atom {
    case .literal(let scalar) where scalar.properties.isAlphabetic || scalar.properties.numericType != nil:
      literal.unicodeScalars.append(scalar)
    case .literal(":"), .literal("/"), .literal("."), .literal("_"), .literal("'"), .literal("-"):
      // Addresses and names stay what they are.
      if case .literal(let scalar) = atom { literal.unicodeScalars.append(scalar) }
    case .letters: literal += isRepeated ? "aa" : "a"
    case .digits: literal += "0"
    default: separate()
    }
  }

  private mutating func separate() {
    if !literal.isEmpty, literal.unicodeScalars.last != " " { literal += " " }
  }
}
