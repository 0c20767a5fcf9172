import MScanBytes

extension PythonLexer {
  /// A name, a keyword, or a string with a prefix.
  mutating func nameOrString(_ first: UInt8) {
    let (at, packed, isWide) = endOfName(from: position)
    let length = at - position
    if length <= 2, byte(at) == UInt8(ascii: "\"") || byte(at) == UInt8(ascii: "'"),
      let prefix = Self.stringPrefix(packed)
    {
      position = at
      return string(byte(at), prefix: prefix)
    }
    position = at
    self.isWide = isWide
    word = length <= 8 && !isWide ? packed : 0
    if isWide, !isIdentifier(start..<at) { return fail("invalid character in identifier") }
    give(length <= 8 && length >= 2 && !isWide ? Keywords.kind(packed) : .name)
  }

  /// Where a name ends, its first eight bytes, lowest first, and whether any of all is outside ASCII.
  @inline(__always)
  private func endOfName(from start: Int) -> (end: Int, head: UInt64, isWide: Bool) {
    let text = bytes.span
    var at = start
    var packed: UInt64 = 0
    var wide: UInt64 = 0
    while true {
      guard let word = text.word(at: at) else {
        // The last bytes of the text, or of a name that reaches them.
        while Self.isNameByte(byte(at)) {
          if at - start < 8 { packed |= UInt64(byte(at)) << UInt64(8 * (at - start)) }
          wide |= UInt64(byte(at))
          at += 1
        }
        break
      }
      let others = Self.otherThanNames(word)
      let part = others == 0 ? word : word & (1 << UInt64(others.trailingZeroBitCount & ~7) - 1)
      if at == start { packed = part }
      wide |= part
      at += others == 0 ? 8 : others.trailingZeroBitCount >> 3
      if others != 0 { break }
    }
    return (at, packed, wide & 0x8080_8080_8080_8080 != 0)
  }

  /// The high bit of each of eight bytes that is in no name.
  @inline(__always)
  private static func otherThanNames(_ word: UInt64) -> UInt64 {
    let low: UInt64 = 0x0101_0101_0101_0101
    let high: UInt64 = 0x8080_8080_8080_8080
    // Seven bits of each byte, so that no sum goes over a byte's end. Each sum has the high bit from a bound on.
    let seven = word & ~high
    let letter = seven | low &* 0x20
    let isLetter = (letter &+ low &* (0x80 - 0x61)) & ~(letter &+ low &* (0x80 - 0x7b))
    let isDigit = (seven &+ low &* (0x80 - 0x30)) & ~(seven &+ low &* (0x80 - 0x3a))
    let underscore = seven ^ low &* 0x5f
    let isUnderscore = ~(underscore &+ low &* 0x7f)
    return ~(isLetter | isDigit | isUnderscore | word) & high
  }

  @inline(__always)
  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x5f, 0x80...0xff: true
    default: false
    }
  }

  /// Whether the bytes are UTF-8 and an identifier by Unicode's XID_Start and XID_Continue, as Python has it.
  private func isIdentifier(_ range: Range<Int>) -> Bool {
    guard let text = String(validating: bytes[range], as: UTF8.self) else { return false }
    var isFirst = true
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      if isFirst {
        guard scalar == "_" || properties.isXIDStart else { return false }
      } else {
        guard properties.isXIDContinue else { return false }
      }
      isFirst = false
    }
    return true
  }

  // MARK: - Numbers

  mutating func number() {
    let first = byte(position)
    if first == UInt8(ascii: "0") {
      switch byte(position + 1) | 0x20 {
      case UInt8(ascii: "x"): return radix { Self.isHexDigit($0) }
      case UInt8(ascii: "o"): return radix { (0x30...0x37).contains($0) }
      case UInt8(ascii: "b"): return radix { $0 == 0x30 || $0 == 0x31 }
      default: break
      }
    }
    guard digits() else { return }
    let whole = start..<position
    if byte(position) == UInt8(ascii: ".") { return fraction() }
    switch byte(position) | 0x20 {
    case UInt8(ascii: "e"):
      if startsExponent() { return exponent() }
    case UInt8(ascii: "j"):
      position += 1
      return finishNumber()
    default: break
    }
    if first == UInt8(ascii: "0"), bytes[whole].contains(where: { (0x31...0x39).contains($0) }) {
      return fail("leading zeros in decimal integer literals are not permitted")
    }
    // CPython's own bound on the conversion of decimal text.
    if whole.count > 4300, bytes[whole].count(where: { $0 != 0x5f }) > 4300 {
      return fail("integer literal of more than 4300 digits")
    }
    finishNumber()
  }

  /// `.5`: the point is the current byte.
  mutating func fraction() {
    position += 1
    if (0x30...0x39).contains(byte(position)) {
      guard digits() else { return }
    }
    switch byte(position) | 0x20 {
    case UInt8(ascii: "e"): if startsExponent() { return exponent() }
    case UInt8(ascii: "j"): position += 1
    default: break
    }
    finishNumber()
  }

  private func startsExponent() -> Bool {
    let next = byte(position + 1)
    return (0x30...0x39).contains(next) || next == UInt8(ascii: "+") || next == UInt8(ascii: "-")
  }

  private mutating func exponent() {
    position += 1
    if !(0x30...0x39).contains(byte(position)) { position += 1 }
    guard (0x30...0x39).contains(byte(position)) else { return fail("invalid decimal literal") }
    guard digits() else { return }
    if byte(position) | 0x20 == UInt8(ascii: "j") { position += 1 }
    finishNumber()
  }

  /// Digits with single underscores between them.
  private mutating func digits() -> Bool {
    while true {
      while (0x30...0x39).contains(byte(position)) { position += 1 }
      guard byte(position) == 0x5f else { return true }
      position += 1
      guard (0x30...0x39).contains(byte(position)) else {
        fail("invalid decimal literal")
        return false
      }
    }
  }

  private mutating func radix(_ isDigit: (UInt8) -> Bool) {
    position += 2
    repeat {
      if byte(position) == 0x5f { position += 1 }
      guard isDigit(byte(position)) else { return fail("invalid integer literal") }
      while isDigit(byte(position)) { position += 1 }
    } while byte(position) == 0x5f
    if (0x30...0x39).contains(byte(position)) { return fail("invalid digit in integer literal") }
    finishNumber()
  }

  /// A number ends where no name goes on, but for the keywords that CPython still lets follow at once.
  private mutating func finishNumber() {
    let next = byte(position)
    guard Self.isNameByte(next) else { return give(.number) }
    let (second, third) = (byte(position + 1), byte(position + 2))
    let follows: Bool =
      switch next {
      case UInt8(ascii: "a"): second == UInt8(ascii: "n") && third == UInt8(ascii: "d")
      case UInt8(ascii: "e"):
        second == UInt8(ascii: "l") && third == UInt8(ascii: "s") && byte(position + 3) == UInt8(ascii: "e")
      case UInt8(ascii: "f"): second == UInt8(ascii: "o") && third == UInt8(ascii: "r")
      case UInt8(ascii: "i"):
        second == UInt8(ascii: "f") || second == UInt8(ascii: "n") || second == UInt8(ascii: "s")
      case UInt8(ascii: "o"): second == UInt8(ascii: "r")
      case UInt8(ascii: "n"): second == UInt8(ascii: "o") && third == UInt8(ascii: "t")
      default: false
      }
    if follows { return give(.number) }
    while Self.isNameByte(byte(position)) { position += 1 }
    fail("invalid decimal literal")
  }

  static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
  }

  // MARK: - Operators

  mutating func operatorToken(_ first: UInt8) {
    let next = byte(position + 1)
    let equal = UInt8(ascii: "=")
    position += 1
    switch first {
    case UInt8(ascii: "("): open(.leftParenthesis)
    case UInt8(ascii: ")"): close(.rightParenthesis)
    case UInt8(ascii: "["): open(.leftBracket)
    case UInt8(ascii: "]"): close(.rightBracket)
    case UInt8(ascii: "{"): open(.leftBrace)
    case UInt8(ascii: "}"): close(.rightBrace)
    case UInt8(ascii: ","): give(.comma)
    case UInt8(ascii: ":"): pair(next == equal, .colonEqual, .colon)
    case UInt8(ascii: ";"): give(.semicolon)
    case UInt8(ascii: "."):
      if next == first, byte(position + 1) == first {
        position += 2
        give(.ellipsis)
      } else if (0x30...0x39).contains(next) {
        position -= 1
        fraction()
      } else {
        give(.dot)
      }
    case equal: pair(next == equal, .equalEqual, .equal)
    case UInt8(ascii: "!"): pair(next == equal, .notEqual, .exclamation)
    case UInt8(ascii: "-"):
      if next == UInt8(ascii: ">") { position += 1 }
      if position - start == 2 { give(.arrow) } else { pair(next == equal, .augmentedAssignment, .minus) }
    case UInt8(ascii: "<"):
      if next == first {
        position += 1
        pair(byte(position) == equal, .augmentedAssignment, .leftShift)
      } else {
        pair(next == equal, .lessEqual, .less)
      }
    case UInt8(ascii: ">"):
      if next == first {
        position += 1
        pair(byte(position) == equal, .augmentedAssignment, .rightShift)
      } else {
        pair(next == equal, .greaterEqual, .greater)
      }
    case UInt8(ascii: "*"):
      if next == first {
        position += 1
        pair(byte(position) == equal, .augmentedAssignment, .doubleStar)
      } else {
        pair(next == equal, .augmentedAssignment, .star)
      }
    case UInt8(ascii: "/"):
      if next == first {
        position += 1
        pair(byte(position) == equal, .augmentedAssignment, .doubleSlash)
      } else {
        pair(next == equal, .augmentedAssignment, .slash)
      }
    case UInt8(ascii: "+"): pair(next == equal, .augmentedAssignment, .plus)
    case UInt8(ascii: "%"): pair(next == equal, .augmentedAssignment, .percent)
    case UInt8(ascii: "@"): pair(next == equal, .augmentedAssignment, .at)
    case UInt8(ascii: "|"): pair(next == equal, .augmentedAssignment, .pipe)
    case UInt8(ascii: "&"): pair(next == equal, .augmentedAssignment, .ampersand)
    case UInt8(ascii: "^"): pair(next == equal, .augmentedAssignment, .caret)
    case UInt8(ascii: "~"): give(.tilde)
    case 0: fail("source code cannot contain null bytes")
    default: fail("invalid character")
    }
  }

  private mutating func pair(_ isLong: Bool, _ long: TokenKind, _ short: TokenKind) {
    if isLong { position += 1 }
    give(isLong ? long : short)
  }

  private mutating func open(_ kind: TokenKind) {
    nesting += 1
    if nesting > Self.bracketBound { note("too many nested parentheses", at: start) }
    give(kind)
  }

  private mutating func close(_ kind: TokenKind) {
    if nesting > 0 { nesting -= 1 }
    give(kind)
  }
}
