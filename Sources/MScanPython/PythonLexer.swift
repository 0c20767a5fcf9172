import MScanBytes

/// Cuts Python text into tokens, one at a time, by CPython's rules.
///
/// The text is UTF-8 (decoded before, without a byte order mark). All three kinds of line end are taken, as CPython
/// takes them. Cost is linear in the text; no state grows but the stack of indentations.
struct PythonLexer {
  /// The text, and four zero bytes behind it, so that looking ahead needs no check of its own.
  let bytes: [UInt8]
  /// Length of the text without those.
  let count: Int

  /// Offset of the next byte to look at.
  var position = 0
  /// The current token.
  var kind = TokenKind.endOfFile
  var start = 0
  var end = 0
  /// End of the token before.
  var previousEnd = 0
  /// What is wrong with an `invalid` token.
  var problem: StaticString = "invalid syntax"
  /// Open brackets: while there are any, line ends and indentation mean nothing.
  var nesting = 0
  /// Whether the current token is the first of a physical line inside brackets.
  var startsLine = false
  /// The first eight bytes of the current name, packed; zero when it is longer or not ASCII.
  var word: UInt64 = 0
  /// Whether the current name has bytes outside ASCII.
  var isWide = false
  /// The current string, or the f-string that was opened last.
  var literal = StringLiteral()

  /// Columns of the open blocks: with tabs to multiples of 8, and with tabs as one column. CPython wants both to agree.
  private(set) var indents: [(column: Int, alternative: Int)] = [(0, 0)]
  /// Dedents still to be given out; negative: an indent.
  private var pending = 0
  private var atLineStart = true
  /// Something was given out on this logical line.
  private var hasTokens = false
  /// Problems that do not stop the reader: the first one.
  var warning: (offset: Int, problem: StaticString)?
  /// Triple quotes (`"` and `'`) that are known to have no end anywhere behind: they are not looked for again.
  var unclosed: (double: Bool, single: Bool) = (false, false)

  /// Brackets and blocks that CPython takes inside one another.
  static let bracketBound = 200
  static let blockBound = 100

  /// - Parameter text: at most 4 GiB, because offsets are kept in 32 bits.
  init(_ text: [UInt8]) {
    count = text.count
    bytes = text + [0, 0, 0, 0]
  }

  /// What has to be put back to read on from an earlier token of the same logical line.
  struct Mark {
    let position, start, end, previousEnd, nesting: Int
    let kind: TokenKind
    let word: UInt64
    let literal: StringLiteral
    let startsLine, isWide, hasTokens: Bool
  }

  var mark: Mark {
    Mark(
      position: position, start: start, end: end, previousEnd: previousEnd, nesting: nesting, kind: kind, word: word,
      literal: literal, startsLine: startsLine, isWide: isWide, hasTokens: hasTokens)
  }

  mutating func rewind(to mark: Mark) {
    (position, start, end, previousEnd) = (mark.position, mark.start, mark.end, mark.previousEnd)
    (nesting, kind, word, literal) = (mark.nesting, mark.kind, mark.word, mark.literal)
    (startsLine, isWide, hasTokens) = (mark.startsLine, mark.isWide, mark.hasTokens)
    (atLineStart, pending) = (false, 0)
  }

  @inline(__always) func byte(_ at: Int) -> UInt8 { bytes[at] }

  mutating func note(_ problem: StaticString, at offset: Int) {
    if warning == nil { warning = (offset, problem) }
  }

  // MARK: - Tokens

  /// Moves to the next token.
  mutating func advance() {
    previousEnd = end
    startsLine = false
    if pending != 0 { return giveIndentation() }
    if atLineStart {
      atLineStart = false
      indentation()
      if pending != 0 { return giveIndentation() }
    }
    while true {
      skipBlanks()
      start = position
      let first = byte(position)
      switch first {
      case 0x61...0x7a, 0x41...0x5a, 0x5f, 0x80...0xff: return nameOrString(first)
      case 0x30...0x39: return number()
      case 0x0a, 0x0d:
        skipLineEnd()
        if nesting > 0 {
          startsLine = true
          continue
        }
        atLineStart = true
        if hasTokens {
          hasTokens = false
          return give(.newline)
        }
        atLineStart = false
        indentation()
        if pending != 0 { return giveIndentation() }
        continue
      case UInt8(ascii: "#"): skipComment()
      case UInt8(ascii: "\\"):
        guard continuation() else { return }
      case UInt8(ascii: "\""), UInt8(ascii: "'"): return string(first, prefix: 0)
      case 0 where position >= count: return endOfText()
      default: return operatorToken(first)
      }
    }
  }

  /// Ends the token at the current position.
  @inline(__always)
  mutating func give(_ kind: TokenKind) {
    self.kind = kind
    end = position
    if kind != .newline { hasTokens = true }
  }

  mutating func fail(_ problem: StaticString) {
    self.problem = problem
    if position <= start { position = min(start + 1, count) }
    give(.invalid)
  }

  private mutating func endOfText() {
    start = count
    if hasTokens {
      hasTokens = false
      nesting = 0
      atLineStart = true
      end = count
      kind = .newline
      return
    }
    if indents.count > 1 {
      pending = indents.count - 1
      return giveIndentation()
    }
    kind = .endOfFile
    end = count
  }

  @inline(__always)
  private mutating func skipBlanks() {
    while true {
      let next = byte(position)
      guard next == 0x20 || next == 0x09 || next == 0x0c else { return }
      position += 1
    }
  }

  private mutating func skipComment() {
    // Line ends, zeros and other control characters stop this; most comments have none but at their end.
    while let word = bytes.span.word(at: position) {
      let low: UInt64 = 0x0101_0101_0101_0101
      if (word &- low &* 0x0e) & ~word & 0x8080_8080_8080_8080 != 0 { break }
      position += 8
    }
    while true {
      let next = byte(position)
      if next == 0x0a || next == 0x0d || (next == 0 && position >= count) { return }
      position += 1
    }
  }

  /// Past `\n`, `\r\n` or `\r`.
  @inline(__always)
  mutating func skipLineEnd() {
    if byte(position) == 0x0d, byte(position + 1) == 0x0a { position += 1 }
    position += 1
  }

  /// Past a backslash and the line end behind it; an invalid token otherwise.
  private mutating func continuation() -> Bool {
    let next = byte(position + 1)
    guard next == 0x0a || next == 0x0d else {
      fail("unexpected character after line continuation character")
      return false
    }
    position += 1
    skipLineEnd()
    if position >= count { note("unexpected end of file after line continuation", at: count) }
    return true
  }

  // MARK: - Indentation

  private mutating func giveIndentation() {
    start = position
    end = position
    if pending < 0 {
      pending = 0
      kind = .indent
    } else {
      pending -= 1
      if indents.count > 1 { indents.removeLast() }
      kind = .dedent
    }
    atLineStart = false
  }

  /// Measures the blanks at the start of a logical line and compares them with the open blocks. Lines that hold nothing
  /// but a comment are passed over.
  private mutating func indentation() {
    var column = 0
    var alternative = 0
    var continued = 0
    var isContinued = false
    loop: while true {
      switch byte(position) {
      case 0x20:
        while bytes.span.word(at: position) == 0x2020_2020_2020_2020 {
          column += 8
          alternative += 8
          position += 8
        }
        guard byte(position) == 0x20 else { continue loop }
        column += 1
        alternative += 1
      case 0x09:
        column = (column / 8 + 1) * 8
        alternative += 1
      case 0x0c: (column, alternative) = (0, 0)
      case UInt8(ascii: "\\"):
        let next = byte(position + 1)
        guard next == 0x0a || next == 0x0d else { break loop }
        isContinued = true
        // The first line counts, unless it has no blanks at all.
        if continued == 0 { continued = column }
        position += 1
        skipLineEnd()
        continue loop
      case UInt8(ascii: "#"):
        skipComment()
        guard position < count else { return }
        skipLineEnd()
        (column, alternative) = (0, 0)
        (continued, isContinued) = (0, false)
        continue loop
      case 0x0a, 0x0d:
        skipLineEnd()
        (column, alternative) = (0, 0)
        (continued, isContinued) = (0, false)
        continue loop
      default: break loop
      }
      position += 1
    }
    if position >= count {
      if isContinued { note("unexpected end of file after line continuation", at: count) }
      return
    }
    if continued > 0 { (column, alternative) = (continued, continued) }
    compareIndentation(column, alternative)
  }

  private mutating func compareIndentation(_ column: Int, _ alternative: Int) {
    guard let top = indents.last else { return }
    if column == top.column {
      if alternative != top.alternative { note("inconsistent use of tabs and spaces in indentation", at: position) }
    } else if column > top.column {
      if alternative <= top.alternative { note("inconsistent use of tabs and spaces in indentation", at: position) }
      if indents.count >= Self.blockBound { note("too many levels of indentation", at: position) }
      indents.append((column, alternative))
      pending = -1
    } else {
      var depth = indents.count - 1
      while depth > 0, indents[depth].column > column { depth -= 1 }
      if indents[depth].column != column {
        note("unindent does not match any outer indentation level", at: position)
      } else if indents[depth].alternative != alternative {
        note("inconsistent use of tabs and spaces in indentation", at: position)
      }
      pending = indents.count - 1 - depth
    }
  }

  /// Gives up the open brackets: the current token, the first of its line, starts a statement.
  mutating func restartStatement() {
    nesting = 0
    position = start
    while position > 0, byte(position - 1) != 0x0a, byte(position - 1) != 0x0d { position -= 1 }
    hasTokens = false
    atLineStart = true
    advance()
  }
}
