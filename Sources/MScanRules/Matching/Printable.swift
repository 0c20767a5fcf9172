/// Text from a hostile file, made fit to be read on a terminal and in a report.
public enum Printable {
  /// Characters of one value in a message; 200.
  public static let limit = 200

  /// `text` with everything that is invisible, moves the cursor or reorders the line written as `\u{…}`, cut to `limit`
  /// characters with an ellipsis.
  public static func text(_ text: String, limit: Int = limit) -> String {
    var shown = ""
    var length = 0
    for scalar in text.unicodeScalars {
      let piece = isPlain(scalar) ? String(scalar) : "\\u{" + String(scalar.value, radix: 16) + "}"
      length += piece.unicodeScalars.count
      if length > limit { return shown + "…" }
      shown += piece
    }
    return shown
  }

  /// The same between double quotes.
  static func quoted(_ text: String) -> String { "\"" + self.text(text, limit: 80) + "\"" }

  /// Whether a scalar shows as itself.
  static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    if (0x20..<0x7f).contains(scalar.value) { return true }
    let properties = scalar.properties
    // U+2800 is a blank pattern that Unicode counts as a symbol.
    if properties.isDefaultIgnorableCodePoint || scalar.value == 0x2800 { return false }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      return false
    default: return true
    }
  }
}
