/// How a string is written: its prefix, its quotes, and what its text needs besides copying.
struct StringLiteral: Sendable, Hashable {
  static let bytes: UInt8 = 1
  static let raw: UInt8 = 2
  static let format: UInt8 = 4
  static let template: UInt8 = 8
  static let triple: UInt8 = 16
  static let escapes: UInt8 = 32
  static let singleQuote: UInt8 = 64

  var flags: UInt8 = 0
  /// Offset of the first byte behind the opening quote.
  var textStart = 0

  var isBytes: Bool { flags & Self.bytes != 0 }
  var isRaw: Bool { flags & Self.raw != 0 }
  var isTriple: Bool { flags & Self.triple != 0 }
  var isFormat: Bool { flags & (Self.format | Self.template) != 0 }
  var hasEscapes: Bool { flags & Self.escapes != 0 }
  var quote: UInt8 { flags & Self.singleQuote != 0 ? UInt8(ascii: "'") : UInt8(ascii: "\"") }
  var quoteLength: Int { isTriple ? 3 : 1 }
}

extension PythonLexer {
  /// The flags of a prefix of one or two letters; nil when it is none.
  static func stringPrefix(_ packed: UInt64) -> UInt8? {
    switch packed | (packed > 0xff ? 0x2020 : 0x20) {
    case 0x72: StringLiteral.raw  // r
    case 0x62: StringLiteral.bytes  // b
    case 0x75: 0  // u
    case 0x66: StringLiteral.format  // f
    case 0x74: StringLiteral.template  // t
    case 0x7262, 0x6272: StringLiteral.bytes | StringLiteral.raw  // br, rb
    case 0x7266, 0x6672: StringLiteral.format | StringLiteral.raw  // fr, rf
    case 0x7274, 0x7472: StringLiteral.template | StringLiteral.raw  // tr, rt
    default: nil
    }
  }

  /// A string whose opening quote is the current byte. Of an f-string only the opening is taken.
  mutating func string(_ quote: UInt8, prefix: UInt8) {
    var flags = prefix
    if quote == UInt8(ascii: "'") { flags |= StringLiteral.singleQuote }
    let isTriple = byte(position + 1) == quote && byte(position + 2) == quote
    if isTriple { flags |= StringLiteral.triple }
    position += isTriple ? 3 : 1
    literal = StringLiteral(flags: flags, textStart: position)
    if literal.isFormat { return give(.formatString) }
    if isTriple { longString(quote) } else { shortString(quote) }
  }

  private mutating func shortString(_ quote: UInt8) {
    var at = position
    var seen: UInt8 = 0
    while true {
      let next = byte(at)
      seen |= next
      if next == quote { break }
      if next == UInt8(ascii: "\\") {
        literal.flags |= StringLiteral.escapes
        at = behindEscape(at)
      } else if next == 0x0a || next == 0x0d || (next == 0 && at >= count) {
        position = min(at, count)
        return fail("unterminated string literal")
      } else {
        at += 1
      }
    }
    finishString(closingAt: at, length: 1, seen: seen)
  }

  private mutating func longString(_ quote: UInt8) {
    guard !isKnownUnclosed(quote) else { return fail("unterminated triple-quoted string literal") }
    var at = position
    var seen: UInt8 = 0
    while true {
      let next = byte(at)
      seen |= next
      if next == quote {
        if byte(at + 1) == quote, byte(at + 2) == quote { break }
        at += 1
      } else if next == UInt8(ascii: "\\") {
        literal.flags |= StringLiteral.escapes
        at = behindEscape(at)
      } else if next == 0, at >= count {
        noteUnclosed(quote)
        return fail("unterminated triple-quoted string literal")
      } else {
        at += 1
      }
    }
    finishString(closingAt: at, length: 3, seen: seen)
  }

  private mutating func finishString(closingAt end: Int, length: Int, seen: UInt8) {
    position = end + length
    if literal.isBytes, seen >= 0x80 { note("bytes can only contain ASCII literal characters", at: start) }
    if literal.hasEscapes, !literal.isRaw, let at = malformedEscape(literal.textStart..<end, isBytes: literal.isBytes) {
      note("malformed escape in string literal", at: at)
    }
    give(.string)
  }

  /// Behind the closing quote of the f-string that starts at `start`, taken as a plain string; nil when it has none.
  func endOfLiteral(at start: Int, flags: UInt8) -> Int? {
    let literal = StringLiteral(flags: flags)
    guard !literal.isTriple || !isKnownUnclosed(literal.quote) else { return nil }
    var at = start
    while at < count, byte(at) != literal.quote { at += 1 }
    at += literal.quoteLength
    while at < count {
      let next = byte(at)
      if next == literal.quote, !literal.isTriple || (byte(at + 1) == next && byte(at + 2) == next) {
        return at + literal.quoteLength
      }
      if !literal.isTriple, next == 0x0a || next == 0x0d { return nil }
      at = next == UInt8(ascii: "\\") ? behindEscape(at) : at + 1
    }
    return nil
  }

  func isKnownUnclosed(_ quote: UInt8) -> Bool {
    quote == UInt8(ascii: "\"") ? unclosed.double : unclosed.single
  }

  mutating func noteUnclosed(_ quote: UInt8) {
    if quote == UInt8(ascii: "\"") { unclosed.double = true } else { unclosed.single = true }
  }

  /// Behind the backslash at `at` and what it escapes; a line end may be two bytes.
  func behindEscape(_ at: Int) -> Int {
    if byte(at + 1) == 0x0d, byte(at + 2) == 0x0a { return at + 3 }
    return min(at + 2, count)
  }

  /// Offset of the first `\x`, `\u`, `\U` or `\N` in the text that does not go on as it has to.
  func malformedEscape(_ range: Range<Int>, isBytes: Bool) -> Int? {
    var at = range.lowerBound
    while at < range.upperBound {
      guard byte(at) == UInt8(ascii: "\\") else {
        at += 1
        continue
      }
      let digits: Int =
        switch byte(at + 1) {
        case UInt8(ascii: "x"): 2
        case UInt8(ascii: "u") where !isBytes: 4
        case UInt8(ascii: "U") where !isBytes: 8
        default: 0
        }
      if digits > 0 {
        guard at + 2 + digits <= range.upperBound else { return at }
        var value: UInt64 = 0
        for index in (at + 2)..<(at + 2 + digits) {
          guard Self.isHexDigit(byte(index)) else { return at }
          value = value << 4 | UInt64(byte(index) & 0xf) + (byte(index) > 0x39 ? 9 : 0)
        }
        if value > 0x10ffff { return at }
      } else if byte(at + 1) == UInt8(ascii: "N"), !isBytes {
        guard byte(at + 2) == UInt8(ascii: "{") else { return at }
        guard let close = bytes[(at + 3)..<max(at + 3, range.upperBound)].firstIndex(of: UInt8(ascii: "}")),
          close > at + 3
        else { return at }
        at = close
        continue
      }
      at = behindEscape(at)
    }
    return nil
  }

  // MARK: - The text of f-strings

  /// What ends a stretch of an f-string's own text.
  enum TextEnd { case field, specificationEnd, quote, unterminated, straySingleBrace }

  /// Reads on in the text of an f-string, from the current position: to a `{` (taken), to the closing quote (taken), in
  /// a format specification to its `}` (left).
  mutating func formatText(of literal: StringLiteral, inSpecification: Bool) -> TextEnd {
    let quote = literal.quote
    while true {
      let next = byte(position)
      switch next {
      case quote:
        if !literal.isTriple {
          if inSpecification { return .unterminated }
          position += 1
          return .quote
        }
        guard byte(position + 1) == quote, byte(position + 2) == quote else {
          position += 1
          continue
        }
        if inSpecification { return .unterminated }
        position += 3
        return .quote
      case UInt8(ascii: "{"):
        position += 1
        if byte(position) == next, !inSpecification {
          position += 1
          continue
        }
        return .field
      case UInt8(ascii: "}"):
        if inSpecification { return .specificationEnd }
        guard byte(position + 1) == next else { return .straySingleBrace }
        position += 2
      case UInt8(ascii: "\\"):
        if literal.isRaw {
          // A raw text keeps the backslash; it still keeps a quote from closing.
          let after = byte(position + 1)
          position = after == UInt8(ascii: "{") || after == UInt8(ascii: "}") ? position + 1 : behindEscape(position)
          continue
        }
        let after = byte(position + 1)
        if after == UInt8(ascii: "N"), byte(position + 2) == UInt8(ascii: "{") {
          while byte(position) != UInt8(ascii: "}"), byte(position) != quote, byte(position) != 0x0a, position < count {
            position += 1
          }
          if byte(position) == UInt8(ascii: "}") { position += 1 }
        } else if after == UInt8(ascii: "{") || after == UInt8(ascii: "}") {
          position += 1
        } else {
          if after == UInt8(ascii: "x") || after == UInt8(ascii: "u") || after == UInt8(ascii: "U"),
            let wrong = malformedEscape(position..<min(count, position + 10), isBytes: false), wrong == position
          {
            note("malformed escape in string literal", at: position)
          }
          position = behindEscape(position)
        }
      case 0x0a, 0x0d:
        if !literal.isTriple { return .unterminated }
        position += 1
      case 0 where position >= count: return .unterminated
      default: position += 1
      }
    }
  }
}
