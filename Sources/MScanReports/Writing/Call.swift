import MScanFacts

/// What a file calls, written back as Python.
enum Call {
  /// `os.system("echo x")`; nil for a finding that has no arguments.
  static func text(of finding: Finding, limit: Int = 400) -> String? {
    guard !finding.arguments.isEmpty else { return nil }
    let arguments = finding.arguments.map { isLiteral($0) ? $0 : quoted($0) }.joined(separator: ", ")
    return Plain.text("\(finding.subject)(\(arguments))", limit: limit)
  }

  /// A text argument comes as it is, every other value as Python writes it: this tells them apart as far as they can be.
  private static func isLiteral(_ argument: String) -> Bool {
    if ["None", "True", "False", "…"].contains(argument) || Int(argument) != nil || Double(argument) != nil {
      return true
    }
    if let first = argument.first, let last = argument.last {
      let pairs: [Character: Character] = ["(": ")", "[": "]", "{": "}", "<": ">"]
      if pairs[first] == last { return true }
      if last == ")" || last == "'", argument.hasPrefix("b'") || argument.contains("(") { return true }
    }
    return isKeyword(argument)
  }

  /// `shell=True`.
  private static func isKeyword(_ argument: String) -> Bool {
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return false }
    let name = argument[..<equals]
    return name.first?.isNumber == false && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
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
