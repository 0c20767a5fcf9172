/// The Swift file that holds a compiled rule set.
public enum SwiftLiteral {
  /// Bytes of one line of the literal, so that editors and diffs can open the file.
  private static let lineLength = 4_000

  /// A file with `enum EmbeddedRules { static let data: StaticString; static let version: StaticString }`.
  ///
  /// A raw multi-line literal compiles 300 KB in under a second, where an array of numbers takes most of a minute.
  public static func file(for set: RuleSet) -> String {
    """
    // Generated from Rules/ by embed-rules.
    enum EmbeddedRules {
      static let version: StaticString = "\(set.version)"
      static let data: StaticString = \(literal(String(decoding: set.encoded(), as: UTF8.self)))
    }

    """
  }

  /// `text` as a raw multi-line literal whose closing delimiter stands in the first column.
  static func literal(_ text: String) -> String {
    var lines = "#\"\"\"\n"
    var length = 0
    for scalar in text.unicodeScalars {
      let piece: String
      switch scalar {
      case "\"": piece = "\\#\""
      case "\\": piece = "\\#\\"
      case "\n": piece = "\\#n"
      default:
        let isPlain = Printable.isPlain(scalar) || scalar == " "
        piece = isPlain ? String(scalar) : "\\#u{" + String(scalar.value, radix: 16) + "}"
      }
      if length + piece.utf8.count > lineLength {
        lines += "\\#\n"
        length = 0
      }
      lines += piece
      length += piece.utf8.count
    }
    return lines + "\n\"\"\"#"
  }
}
