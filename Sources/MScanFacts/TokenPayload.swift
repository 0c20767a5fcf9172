/// `token`: a text that a tokenizer treats apart from the words of its vocabulary. Subject: its role, `token.added`,
/// `token.special`, `token.eos`, `token.replaced`, `token.inserted` …
public struct TokenFact: Sendable, Hashable {
  /// What the tokenizer does with it: `added` and `special` (kept whole wherever they stand, the second left out of what
  /// users see), `bos` `eos` `pad` `unk` `sep` `cls` `mask` (control marks), `replaced`, `inserted`, `removed`.
  public var role: String
  /// As the file writes it, bounded; a regular expression where ``isPattern``.
  public var text: String
  /// What comes in place of a text that is replaced; what an inserted one stands for.
  public var with: String
  /// Its number; nil where the file states none.
  public var id: Int?
  /// Where the tokenizer has it from: `added_tokens`, `normalizer.Replace`, `tokenizer.ggml.tokens`.
  public var scope: String
  /// The text is a regular expression, of which ``literal`` is what it says literally.
  public var isPattern: Bool
  /// The words and digits of ``text`` that stand for themselves; the text itself unless it is a pattern.
  public var literal: String

  public init(
    role: String, text: String, with: String = "", id: Int? = nil, scope: String, isPattern: Bool = false,
    literal: String? = nil
  ) {
    self.role = role
    self.text = text
    self.with = with
    self.id = id
    self.scope = scope
    self.isPattern = isPattern
    self.literal = literal ?? text
  }

  public static let attributes = [
    "role", "text", "with", "id", "scope", "pattern", "shape", "length", "words", "letters", "digits", "invisible",
    "mixed-scripts", "link",
  ]

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "role": .text(role)
    case "text": .text(text)
    case "with": .text(with)
    case "id": id.map(AttributeValue.integer)
    case "scope": .text(scope)
    case "pattern": .boolean(isPattern)
    default: TextShape(literal).attribute(named: name)
    }
  }
}

/// What a short text looks like, by its characters alone.
public struct TextShape: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable {
    case empty
    /// Blanks, tabs, line ends.
    case blank
    /// One run of letters, with a mark of a blank before it or not: `the`, ` the`, `Ġthe`, `▁the`.
    case word
    /// Two words or more, with blanks between.
    case phrase
    /// Digits, signs and points.
    case number
    /// Between marks: `<s>`, `[MASK]`, `<|im_end|>`, `{{x}}`, `__en__`; no blank inside.
    case mark
    /// Letters joined to digits or underscores: `eng_Latn`, `token12`.
    case name
    /// Anything else: punctuation, symbols, code.
    case other
  }

  public private(set) var kind = Kind.empty
  /// Unicode scalars.
  public private(set) var length = 0
  /// Runs of two letters or more, blanks between.
  public private(set) var words = 0
  /// Letters of the longest run.
  public private(set) var letters = 0
  public private(set) var digits = 0
  /// Characters that are not drawn and change what is read: zero width, direction, tags.
  public private(set) var invisible = 0
  /// A run of letters that mixes Latin with letters of Cyrillic or Greek that look like Latin ones.
  public private(set) var mixesScripts = false
  public private(set) var isLink = false

  /// - Complexity: linear; a text of plain ASCII takes no table.
  public init(_ text: String) {
    var letterRun = 0
    var hasLatin = false
    var hasLookalike = false
    var blanks = 0
    var joins = 0
    var others = 0
    var previous: Unicode.Scalar?
    var pendingJoiner = false
    for scalar in text.unicodeScalars {
      length += 1
      let sort = Self.sort(scalar)
      if pendingJoiner, sort == .letter, scalar.isASCII { invisible += 1 }
      pendingJoiner = false
      if sort != .letter {
        close(run: letterRun, mixed: hasLatin && hasLookalike)
        (letterRun, hasLatin, hasLookalike) = (0, false, false)
      }
      switch sort {
      case .letter:
        letterRun += 1
        if scalar.isASCII { hasLatin = true } else if Self.isLookalike(scalar) { hasLookalike = true }
      case .digit: digits += 1
      case .blank: blanks += 1
      case .join: joins += 1
      case .invisible: invisible += 1
      case .hyphen: break
      case .joiner: pendingJoiner = previous?.properties.isAlphabetic == true && previous?.isASCII == true
      case .other: others += 1
      }
      previous = scalar
    }
    close(run: letterRun, mixed: hasLatin && hasLookalike)
    isLink = Self.isLink(text)
    kind = Self.kind(
      text, letters: letters, words: words, blanks: blanks, digits: digits, joins: joins, others: others,
      length: length)
  }

  private mutating func close(run: Int, mixed: Bool) {
    if run >= 2 { words += 1 }
    letters = max(letters, run)
    if mixed { mixesScripts = true }
  }

  /// Whether `://` is in it, or `www.` in a text of more than six bytes.
  private static func isLink(_ text: String) -> Bool {
    var last: (UInt8, UInt8, UInt8) = (0, 0, 0)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "/"): if last.1 == UInt8(ascii: ":"), last.2 == byte { return true }
      case UInt8(ascii: "."):
        let w = UInt8(ascii: "w")
        if last.0 | 0x20 == w, last.1 | 0x20 == w, last.2 | 0x20 == w, text.utf8.count > 6 { return true }
      default: break
      }
      last = (last.1, last.2, byte)
    }
    return false
  }

  private static func kind(
    _ text: String, letters: Int, words: Int, blanks: Int, digits: Int, joins: Int, others: Int, length: Int
  ) -> Kind {
    if length == 0 { return .empty }
    if blanks == length { return .blank }
    if isMark(text, blanks: blanks) { return .mark }
    if words >= 2, inner(text).contains(where: isSeparator) { return .phrase }
    if letters > 0, digits == 0, joins == 0, others == 0 { return .word }
    if letters == 0, digits > 0 { return .number }
    if letters > 0, others == 0, !inner(text).contains(where: isSeparator) { return .name }
    return .other
  }

  private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool { sort(scalar) == .blank }

  /// Without a blank, or the mark of one, at either end.
  private static func inner(_ text: String) -> Substring.UnicodeScalarView {
    var view = text.unicodeScalars[...]
    while let first = view.first, isSeparator(first) { view.removeFirst() }
    while let last = view.last, isSeparator(last) { view.removeLast() }
    return view
  }

  /// Brackets of one kind around it, or underscores. What is between has no blank.
  private static func isMark(_ text: String, blanks: Int) -> Bool {
    let view = inner(text)
    // `▁` joins the words of a mark; a blank does not.
    guard view.count >= 3, let first = view.first, let last = view.last,
      !view.contains(where: { isSeparator($0) && $0 != "▁" })
    else { return false }
    switch (first, last) {
    case ("<", ">"), ("[", "]"), ("{", "}"), ("(", ")"), ("|", "|"), ("«", "»"), ("＜", "＞"), ("【", "】"): return true
    case ("_", "_"): return view.count >= 5
    default: return false
    }
  }

  private enum Sort { case letter, digit, blank, join, hyphen, joiner, invisible, other }

  private static func sort(_ scalar: Unicode.Scalar) -> Sort {
    switch scalar.value {
    case 0x30...0x39: return .digit
    case 0x41...0x5a, 0x61...0x7a: return .letter
    // `Ġ`, `Ċ` and `▁` stand for a blank and a line end in vocabularies.
    case 0x20, 0x09, 0x0a, 0x0d, 0xa0, 0x2581, 0x120, 0x10a, 0x3000: return .blank
    case 0x5f: return .join
    // Apostrophes and hyphens are parts of words.
    case 0x27, 0x2d, 0x2019: return .hyphen
    case 0x200c, 0x200d: return .joiner
    case 0x200b, 0x200e, 0x200f, 0x202a...0x202e, 0x2060...0x2064, 0x2066...0x206f, 0xfeff, 0x180e, 0x115f, 0x1160,
      0x3164, 0xffa0, 0xe0000...0xe01ef:
      return .invisible
    case 0..<0x80: return .other
    default:
      let properties = scalar.properties
      if properties.isAlphabetic { return .letter }
      if properties.numericType != nil { return .digit }
      // Marks belong to the letter before them.
      switch properties.generalCategory {
      case .nonspacingMark, .spacingMark, .enclosingMark: return .hyphen
      default: return .other
      }
    }
  }

  /// Letters of Cyrillic and Greek that are drawn like Latin ones.
  private static func isLookalike(_ scalar: Unicode.Scalar) -> Bool {
    lookalikes.contains(scalar)
  }

  private static let lookalikes = Set("аеорсухікјѕԁһԛԝАВЕКМНОРСТХІЈЅοναΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲ".unicodeScalars)

  public static let attributes = [
    "shape", "length", "words", "letters", "digits", "invisible", "mixed-scripts", "link",
  ]

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "shape": .text(kind.rawValue)
    case "length": .integer(length)
    case "words": .integer(words)
    case "letters": .integer(letters)
    case "digits": .integer(digits)
    case "invisible": .integer(invisible)
    case "mixed-scripts": .boolean(mixesScripts)
    case "link": .boolean(isLink)
    default: nil
    }
  }
}
