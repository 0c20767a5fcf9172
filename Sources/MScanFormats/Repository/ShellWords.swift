/// How a command language writes what it has in common with the others.
struct ShellDialect: Sendable {
  var framework: String
  /// `$(…)`, backticks and process substitution run commands; `\` escapes.
  var isPosix = false
  /// Names have no case, and `.exe` may be left out.
  var foldsNames = false
  /// Words that start a comment.
  var comments: [String] = ["#"]
  /// `(…)` yields a value in the middle of a command.
  var hasValueGroups = false

  static let posix = ShellDialect(framework: "shell", isPosix: true)
  static let batch = ShellDialect(framework: "batch", foldsNames: true, comments: ["rem", "::"])
  static let powershell = ShellDialect(framework: "powershell", foldsNames: true, hasValueGroups: true)
}

/// One word of a command, unquoted.
struct ShellWord: Sendable {
  var text: String
  var range: Range<Int>
  /// Commands inside it, by their ranges.
  var substitutions: [Range<Int>] = []
  /// Whether it is what a redirection goes to or comes from.
  var isRedirection = false
  /// The end word of a here-document that starts on this line.
  var isHereDocument = false
}

/// A token: a word, or an operator that ends a command.
enum ShellToken {
  case word(ShellWord)
  case pipe
  /// `;`, `&`, `&&`, `||`, a line's end, a bracket.
  case separator(isLineEnd: Bool)
  /// An opening bracket.
  case opening
}

/// Splits the text of a shell into words and operators. It knows quotes, escapes, comments, substitutions and
/// redirections, and no grammar beyond them. Linear; what is never closed is taken as it stands.
struct ShellLexer {
  let bytes: [UInt8]
  let dialect: ShellDialect
  private(set) var at: Int
  private let end: Int
  /// Quotes known to have no partner further on.
  private var unpaired: Set<UInt8> = []
  /// Bytes that may still be looked through for the ends of groups, so that openings alone cost no square.
  private var groupBytesLeft: Int
  private var pendingRedirection = false
  private var pendingHereDocument = false

  init(_ bytes: [UInt8], _ range: Range<Int>, _ dialect: ShellDialect) {
    self.bytes = bytes
    self.dialect = dialect
    at = range.lowerBound
    end = range.upperBound
    groupBytesLeft = 4 * range.count + 4096
  }

  mutating func skip(to offset: Int) { at = max(at, min(offset, end)) }

  /// Nil at the end.
  mutating func next() -> ShellToken? {
    while at < end {
      let byte = bytes[at]
      switch byte {
      case 0x0a:
        at += 1
        pendingRedirection = false
        return .separator(isLineEnd: true)
      case 0x20, 0x09, 0x0d, 0x0b, 0x0c: at += 1
      case 0x5c where dialect.isPosix && isLineEnd(at + 1): skipContinuation()
      case 0x5e where dialect.framework == "batch" && isLineEnd(at + 1): skipContinuation()
      case 0x60 where dialect.hasValueGroups && isLineEnd(at + 1): skipContinuation()
      case 0x3b:
        at += 1
        return .separator(isLineEnd: false)
      case 0x26:
        at += 1
        if at < end, bytes[at] == 0x3e {
          redirect()
          continue
        }
        if at < end, bytes[at] == 0x26 { at += 1 }
        return .separator(isLineEnd: false)
      case 0x7c:
        at += 1
        if at < end, bytes[at] == 0x7c {
          at += 1
          return .separator(isLineEnd: false)
        }
        if at < end, bytes[at] == 0x26 { at += 1 }
        return .pipe
      case 0x3c, 0x3e:
        if dialect.isPosix, at + 1 < end, bytes[at + 1] == 0x28 { return .word(word()) }
        redirect()
      case 0x28, 0x29:
        if byte == 0x28, dialect.hasValueGroups { return .word(word()) }
        at += 1
        return byte == 0x28 ? .opening : .separator(isLineEnd: false)
      case 0x7b, 0x7d:
        if isLoneBrace() {
          at += 1
          return byte == 0x7b ? .opening : .separator(isLineEnd: false)
        }
        return .word(word())
      default:
        if isComment() {
          while at < end, bytes[at] != 0x0a { at += 1 }
          continue
        }
        return .word(word())
      }
    }
    return nil
  }

  private func isLineEnd(_ offset: Int) -> Bool {
    guard offset < end else { return false }
    return bytes[offset] == 0x0a || bytes[offset] == 0x0d && offset + 1 < end && bytes[offset + 1] == 0x0a
  }

  private mutating func skipContinuation() {
    while at < end, bytes[at] != 0x0a { at += 1 }
    at = min(at + 1, end)
  }

  private func isLoneBrace() -> Bool {
    guard at + 1 < end else { return true }
    return [0x20, 0x09, 0x0a, 0x0d, 0x3b].contains(bytes[at + 1])
  }

  private func isComment() -> Bool {
    for mark in dialect.comments {
      let word = bytes[at..<end].prefix(mark.utf8.count)
      guard word.count == mark.utf8.count, String(decoding: word, as: UTF8.self).lowercased() == mark else { continue }
      if mark != "rem" { return true }
      return word.endIndex >= end || RepositoryText.isBlank(bytes[word.endIndex]) || bytes[word.endIndex] == 0x0a
    }
    return false
  }

  private mutating func redirect() {
    let start = at
    while at < end, bytes[at] == 0x3c || bytes[at] == 0x3e || bytes[at] == 0x26 || bytes[at] == 0x7c { at += 1 }
    pendingRedirection = true
    if dialect.isPosix, at - start == 2, bytes[start] == 0x3c, bytes[start + 1] == 0x3c {
      pendingHereDocument = true
      if at < end, bytes[at] == 0x2d { at += 1 }
    }
  }

  // MARK: Words

  private mutating func word() -> ShellWord {
    let start = at
    var text: [UInt8] = []
    var found = ShellWord(text: "", range: start..<start)
    scan: while at < end {
      let byte = bytes[at]
      switch byte {
      case 0x20, 0x09, 0x0a, 0x0d, 0x3b, 0x26, 0x7c, 0x29: break scan
      case 0x28:
        guard dialect.hasValueGroups else { break scan }
        group(from: at, opening: at + 1, into: &found, &text)
      case 0x3c, 0x3e:
        guard dialect.isPosix, at + 1 < end, bytes[at + 1] == 0x28 else { break scan }
        group(from: at, opening: at + 2, into: &found, &text)
      case 0x27, 0x22:
        if !quoted(byte, into: &found, &text) {
          text.append(byte)
          at += 1
        }
      case 0x5c where dialect.isPosix:
        if isLineEnd(at + 1) {
          skipContinuation()
        } else {
          if at + 1 < end { text.append(bytes[at + 1]) }
          at = min(at + 2, end)
        }
      case 0x5e where dialect.framework == "batch": at += 1
      case 0x60 where dialect.hasValueGroups: at += 1
      case 0x24, 0x60: substitution(into: &found, &text)
      default:
        text.append(byte)
        at += 1
      }
    }
    // A byte that no case takes must not stop the walk.
    if at == start {
      text.append(bytes[at])
      at += 1
    }
    found.text = String(decoding: text.prefix(4096), as: UTF8.self)
    found.range = start..<at
    found.isRedirection = pendingRedirection
    found.isHereDocument = pendingHereDocument
    pendingRedirection = false
    pendingHereDocument = false
    return found
  }

  /// A quoted part; false when the quote is never closed.
  private mutating func quoted(_ quote: UInt8, into word: inout ShellWord, _ text: inout [UInt8]) -> Bool {
    guard !unpaired.contains(quote) else { return false }
    var close = at + 1
    while close < end, bytes[close] != quote {
      close += quote == 0x22 && dialect.isPosix && bytes[close] == 0x5c ? 2 : 1
    }
    guard close < end else {
      unpaired.insert(quote)
      return false
    }
    if quote == 0x27 || !dialect.isPosix {
      text += bytes[(at + 1)..<close]
      at = close + 1
      return true
    }
    at += 1
    while at < close {
      switch bytes[at] {
      case 0x5c:
        if at + 1 < close, bytes[at + 1] != 0x0a { text.append(bytes[at + 1]) }
        at += 2
      case 0x24, 0x60:
        substitution(into: &word, &text)
        // What a substitution holds may have quotes of its own.
        if at > close {
          close = at
          while close < end, bytes[close] != quote { close += bytes[close] == 0x5c ? 2 : 1 }
          close = min(close, end)
        }
      default:
        text.append(bytes[at])
        at += 1
      }
    }
    at = min(close + 1, end)
    return true
  }

  /// `$(…)`, backticks, or a plain `$`.
  private mutating func substitution(into word: inout ShellWord, _ text: inout [UInt8]) {
    if bytes[at] == 0x24, at + 1 < end, bytes[at + 1] == 0x28 {
      return group(from: at, opening: at + 2, into: &word, &text)
    }
    if bytes[at] == 0x60, dialect.isPosix, !unpaired.contains(0x60) {
      if let close = bytes[(at + 1)..<end].firstIndex(of: 0x60) {
        word.substitutions.append((at + 1)..<close)
        text += bytes[at...close].prefix(256)
        at = close + 1
        return
      }
      unpaired.insert(0x60)
    }
    text.append(bytes[at])
    at += 1
  }

  /// A bracketed group up to its partner, brackets in quotes not counted; to the end when there is none.
  private mutating func group(
    from start: Int, opening: Int, into word: inout ShellWord, _ text: inout [UInt8]
  ) {
    var depth = 1
    var close = min(opening, end)
    var quote: UInt8?
    // What is given up here is walked as commands of its own.
    let limit = min(end, close + max(0, groupBytesLeft))
    while close < limit {
      let byte = bytes[close]
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == 0x27 || byte == 0x22 {
        quote = byte
      } else if byte == 0x28 {
        depth += 1
      } else if byte == 0x29 {
        depth -= 1
        if depth == 0 { break }
      }
      close += 1
    }
    groupBytesLeft -= close - opening
    guard depth == 0, close < end else {
      text += bytes[start..<min(opening, end)]
      at = min(opening, end)
      return
    }
    word.substitutions.append(min(opening, close)..<close)
    text += bytes[start...close].prefix(256)
    at = close + 1
  }
}
