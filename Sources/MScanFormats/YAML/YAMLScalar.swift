import MScanFacts

/// What a scalar is, by YAML 1.1's rules as PyYAML has them.
enum YAMLScalar {
  private static let trueWords: Set<String> = ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"]
  private static let falseWords: Set<String> = ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"]
  private static let nullWords: Set<String> = ["", "~", "null", "Null", "NULL"]

  static func value(of text: String, plain: Bool, tag: String?) -> ValueFact.Scalar {
    switch tag {
    case nil, "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float":
      guard plain || tag != nil else { return .text(text) }
      if trueWords.contains(text) { return .boolean(true) }
      if falseWords.contains(text) { return .boolean(false) }
      if nullWords.contains(text) { return .null }
      return isNumber(text) ? .number(text) : .text(text)
    default: return .text(text)
    }
  }

  /// Decimal integers and floats; other bases stay text, which no rule compares.
  private static func isNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]
    if let sign = rest.first, sign == 0x2b || sign == 0x2d { rest = rest.dropFirst() }
    guard let first = rest.first, isDigit(first) || first == 0x2e else { return false }
    var digits = 0
    var points = 0
    while let byte = rest.first, isDigit(byte) || byte == 0x2e {
      if byte == 0x2e { points += 1 } else { digits += 1 }
      rest = rest.dropFirst()
    }
    guard digits > 0, points < 2 else { return false }
    guard let exponent = rest.first else { return true }
    guard exponent == 0x65 || exponent == 0x45 else { return false }
    rest = rest.dropFirst()
    if let sign = rest.first, sign == 0x2b || sign == 0x2d { rest = rest.dropFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static let resolverLimit = 16

  /// The first sixteen `${name:arguments}`; not the shell's `${name:-default}` and its kin.
  static func resolvers(in text: String) -> [(name: String, arguments: String)] {
    let bytes = text.utf8
    guard bytes.contains(0x24) else { return [] }
    var found: [(String, String)] = []
    var rest = bytes[...]
    while found.count < resolverLimit, let dollar = rest.firstIndex(of: 0x24) {
      rest = bytes[bytes.index(after: dollar)...]
      guard rest.first == 0x7b else { continue }
      let body = rest.dropFirst()
      let name = body.prefix { isName($0) }
      let behind = body[name.endIndex...]
      guard !name.isEmpty, behind.first == 0x3a, let next = behind.dropFirst().first, !"-?+=".utf8.contains(next)
      else { continue }
      let arguments = behind.dropFirst().prefix { $0 != 0x7d }.prefix(256)
      found.append((String(Substring(name)), String(decoding: arguments, as: UTF8.self)))
    }
    return found
  }

  private static func isName(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f || byte == 0x2e
  }
}
