import MScanFacts

/// What a file calls, written back as Python.
enum Call {
  /// `os.system("echo x")`; nil for a finding that has no arguments.
  static func text(of finding: Finding, limit: Int = 400) -> String? {
    guard !finding.arguments.isEmpty else { return nil }
    let arguments = finding.arguments.map { isLiteral($0) ? $0 : quoted($0) }.joined(separator: ", ")
    return Plain.text("\(finding.subject)(\(arguments))", limit: limit)
  }

  /// A text argument comes as it is, every other value as Python writes it: this tells them apart as far as they can
  /// be. What stays bare has to look like one value from end to end: code handed to an interpreter is a text that
  /// likes to end in a bracket, too.
  private static func isLiteral(_ argument: String) -> Bool {
    if isValue(argument[...]) { return true }
    // A keyword, `shell=True`; its value is quoted where it is a text.
    guard let equals = argument.firstIndex(of: "="), isName(argument[..<equals]) else { return false }
    let value = argument[argument.index(after: equals)...]
    return isValue(value) || isEnclosed(value, "'", "'")
  }

  private static func isValue(_ text: Substring) -> Bool {
    if ["None", "True", "False", "…", "<float>", "<large int>"].contains(text) || isNumber(text) { return true }
    let pairs = [("b'", "'"), ("b\"", "\""), ("(", ")"), ("[", "]"), ("{", "}")]
    if pairs.contains(where: { isEnclosed(text, $0.0, $0.1) }) { return true }
    guard text.hasSuffix(")"), let open = text.firstIndex(of: "(") else { return false }
    let names = text[..<open].split(separator: ".", omittingEmptySubsequences: false)
    // A call of a dotted name, or one of the few that facts write without a module.
    return names.count > 1
      ? names.allSatisfy(isName)
      : names.first.map { ["bytearray", "frozenset", "persistent_load"].contains($0) } ?? false
  }

  private static func isEnclosed(_ text: Substring, _ open: String, _ close: String) -> Bool {
    text.utf8.count >= open.utf8.count + close.utf8.count && text.hasPrefix(open) && text.hasSuffix(close)
  }

  /// Decimal digits: `nan`, `inf` and `0x10` are texts.
  private static func isNumber(_ text: Substring) -> Bool {
    let digits = text.hasPrefix("-") ? text.dropFirst() : text
    guard let first = digits.utf8.first, (0x30...0x39).contains(first), !digits.utf8.contains(0x78) else {
      return false
    }
    return text.utf8.allSatisfy { (0x30...0x39).contains($0) } || Double(text) != nil
  }

  private static func isName(_ text: Substring) -> Bool {
    guard let first = text.first, !first.isNumber else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
