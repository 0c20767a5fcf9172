/// Text of a hostile file, made fit for a terminal, a log and a web page.
enum Plain {
  /// `text` on one line, with each scalar that is invisible, moves the cursor or turns the line around written as
  /// `\u{…}`. So is the second of two `#`: build servers take commands from any place of a line that they log
  /// (`##[…]`, `##vso[…]`, `##teamcity[…]`).
  ///
  /// - Parameter limit: scalars kept; what is over it becomes an ellipsis.
  static func text(_ text: String, limit: Int = 500) -> String {
    var shown = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < limit else {
        shown.append("…")
        break
      }
      count += 1
      if isPlain(scalar), !(scalar == "#" && shown.last == "#") {
        shown.append(scalar)
      } else {
        shown.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      }
    }
    return String(shown)
  }

  /// `text` with no line that GitHub's runner would obey: one that starts, after blanks, with two colons.
  static func withoutCommands(_ text: String) -> String {
    guard text.contains("::") else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in
        let words = line.drop { $0 == " " }
        return words.hasPrefix("::") ? line.prefix(line.count - words.count) + "\\u{3a}" + words.dropFirst() : line
      }
      .joined(separator: "\n")
  }

  /// Whether a scalar shows as what it is.
  static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x20..<0x7f).contains(scalar.value) }
    let properties = scalar.properties
    // The empty braille cell is a blank that Unicode files under symbols.
    if properties.isDefaultIgnorableCodePoint || scalar.value == 0x2800 { return false }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }
}
