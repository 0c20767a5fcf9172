/// What a text says to a reader: words, without the marks that only a model sees.
public enum PlainText {
  /// Words of prose: runs of letters of two or more outside of `<…>` and `[…]`; of scripts without blanks, two characters
  /// are a word.
  public static func words(_ text: String) -> Int {
    var words = 0
    var run = 0
    var ideographs = 0
    var mark: Unicode.Scalar?
    var marked = 0
    for scalar in text.unicodeScalars {
      if let end = mark {
        marked += 1
        // What is longer than a mark is text between two of them.
        if scalar == end || marked > 48 || scalar == "\n" { mark = nil }
        if scalar == end { continue }
      }
      if mark == nil, scalar == "<" || scalar == "[" {
        mark = scalar == "<" ? ">" : "]"
        marked = 0
      }
      // A name with underscores is one word.
      let isLetter = mark == nil && (isAlphabetic(scalar) || scalar == "_")
      if isLetter, isIdeograph(scalar) {
        ideographs += 1
      } else if isLetter {
        run += 1
      } else {
        if run >= 2 { words += 1 }
        run = 0
      }
    }
    if run >= 2 { words += 1 }
    return words + ideographs / 2
  }

  /// Asked of ASCII without Unicode's tables.
  private static func isAlphabetic(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII ? (0x61...0x7a).contains(scalar.value | 0x20) : scalar.properties.isAlphabetic
  }

  private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    (0x3040...0x30ff).contains(scalar.value) || (0x3400...0x9fff).contains(scalar.value)
      || (0x20000...0x3ffff).contains(scalar.value) || (0x0e00...0x0e7f).contains(scalar.value)
  }

  /// Whether a text is a mark: `<|x|>`, `[INST]`, `/think`, and nothing that people write in a sentence.
  public static func isMark(_ text: String) -> Bool {
    let trimmed = trim(text)
    guard let first = trimmed.unicodeScalars.first, trimmed.unicodeScalars.count <= 64 else { return true }
    if first == "<" { return true }
    if first == "[" || first == "/" { return !trimmed.unicodeScalars.contains { $0.properties.isWhitespace } }
    return !trimmed.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
  }

  private static func trim(_ text: String) -> String {
    var scalars = text.unicodeScalars[...]
    while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
    while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
    return String(scalars)
  }

  /// The text as a search for phrases wants it: lower case, one blank for any, nothing invisible, letters of other
  /// alphabets that look like Latin ones as those.
  public static func plain(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var isBlank = true
    for scalar in text.unicodeScalars {
      if (0x21..<0x7f).contains(scalar.value) {
        let isCapital = (0x41...0x5a).contains(scalar.value)
        result.append(isCapital ? Unicode.Scalar(scalar.value | 0x20) ?? scalar : scalar)
        isBlank = false
        continue
      }
      if InvisibleText.kind(of: scalar) != nil { continue }
      if scalar.properties.isWhitespace {
        if !isBlank { result.append(" ") }
        isBlank = true
        continue
      }
      isBlank = false
      let folded = fold(scalar)
      if folded.isASCII || folded.properties.lowercaseMapping.unicodeScalars.count == 1 {
        result.append(folded.properties.lowercaseMapping.unicodeScalars.first ?? folded)
      } else {
        result.append(folded)
      }
    }
    return String(result)
  }

  /// Cyrillic and Greek letters that are drawn like Latin ones, in pairs.
  private static let lookalikes: [Unicode.Scalar: Unicode.Scalar] = {
    let from = "аеорсухіѕјһԁԛԝАВЕКМНОРСТХІЅЈοαρνιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ’".unicodeScalars
    let to = "aeopcyxisjhdqwABEKMHOPCTXISJoapviABEZHIKMNOPTYX'".unicodeScalars
    return Dictionary(zip(from, to)) { first, _ in first }
  }()

  private static func fold(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    let value = scalar.value
    if value < 0x80 { return scalar }
    // Full-width forms.
    if (0xff01...0xff5e).contains(value) { return Unicode.Scalar(value - 0xfee0) ?? scalar }
    // Mathematical letters: alphabets of 26 capitals and 26 small ones.
    if (0x1d400...0x1d6a3).contains(value) {
      let place = (value - 0x1d400) % 52
      return Unicode.Scalar(place < 26 ? 0x41 + place : 0x61 + place - 26) ?? scalar
    }
    return lookalikes[scalar] ?? scalar
  }
}

/// Characters that nobody sees.
public enum InvisibleText {
  /// `bidi`, `zero-width`, `tag`, `filler`, `control`; nil for a visible one.
  public static func kind(of scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x202a...0x202e, 0x2066...0x2069, 0x200e, 0x200f, 0x061c: "bidi"
    case 0x200b...0x200d, 0x2060...0x2064, 0xfeff, 0x180e, 0x206a...0x206f, 0xfff9...0xfffb: "zero-width"
    case 0xe0000...0xe007f, 0xe0100...0xe01ef: "tag"
    case 0x115f, 0x1160, 0x3164, 0xffa0, 0x00ad, 0x034f: "filler"
    case 0...8, 0x0e...0x1f, 0x7f...0x9f: "control"
    default: nil
    }
  }

  /// Joiners are spelling in many scripts, and hold emoji together.
  public static func isSpelling(_ scalar: Unicode.Scalar, after before: Unicode.Scalar?) -> Bool {
    guard scalar.value == 0x200c || scalar.value == 0x200d, let before else { return false }
    return before.value >= 0x600 && kind(of: before) == nil
      && (before.properties.isAlphabetic || before.properties.isEmoji
        || before.properties.generalCategory == .nonspacingMark
        || before.value == 0xfe0f)
  }
}
