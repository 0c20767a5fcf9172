/// `text`: a keyword of the rules inside a text that a file holds. Subject: the keyword.
public struct TextFact: Sendable, Hashable {
  public var keyword: String
  /// The text around it, bounded.
  public var text: String
  /// Dotted name of what the text is handed to or looked up in; empty when it is only kept.
  public var callee: String
  /// When the code that holds it runs: `import`, `construction`, `forward`, `call`.
  public var when: [String]

  public init(keyword: String, text: String, callee: String = "", when: [String] = []) {
    self.keyword = keyword
    self.text = text
    self.callee = callee
    self.when = when
  }

  public static let attributes = ["keyword", "text", "callee", "when"]

  func attribute(named name: String) -> AttributeValue? {
    switch name {
    case "keyword": .text(keyword)
    case "text": .text(text)
    case "callee": .text(callee)
    case "when": .list(when)
    default: nil
    }
  }
}

/// The keywords that rules look for in texts: the subjects of all rules of kind `text`. A reader states a
/// ``TextFact`` for each keyword that a text holds, and nothing for other texts.
///
/// Keywords are compared byte for byte and are at least two bytes long.
public struct TextInterest: Sendable {
  public let keywords: [String]
  private let bytes: [[UInt8]]
  /// By the first two bytes of a keyword: which keywords start so, as a slice of `order`.
  private let starts: [UInt16: [Int]]
  /// One bit for each pair of bytes that starts a keyword.
  private let pairs: [UInt64]

  public init(_ keywords: [String] = []) {
    let usable = keywords.filter { $0.utf8.count >= 2 }
    self.keywords = usable
    bytes = usable.map { Array($0.utf8) }
    var starts: [UInt16: [Int]] = [:]
    var pairs = [UInt64](repeating: 0, count: usable.isEmpty ? 0 : 1024)
    for (number, keyword) in bytes.enumerated() {
      let pair = UInt16(keyword[0]) << 8 | UInt16(keyword[1])
      starts[pair, default: []].append(number)
      pairs[Int(pair >> 6)] |= 1 << UInt64(pair & 63)
    }
    self.starts = starts
    self.pairs = pairs
  }

  public static let none = TextInterest()

  public var isEmpty: Bool { keywords.isEmpty }

  /// The keywords in a text, each once, with where the first of each starts, in the order of those places.
  ///
  /// Cost: one look at each byte, and one comparison for each keyword that starts with the same two.
  public func matches(in text: Span<UInt8>) -> [(keyword: String, offset: Int)] {
    guard !pairs.isEmpty, text.count >= 2 else { return [] }
    var found: [(keyword: String, offset: Int)] = []
    for offset in 0..<text.count - 1 {
      let pair = UInt16(text[offset]) << 8 | UInt16(text[offset + 1])
      guard pairs[Int(pair >> 6)] & (1 << UInt64(pair & 63)) != 0 else { continue }
      for number in starts[pair] ?? [] where Self.isAt(offset, bytes[number], text) {
        if !found.contains(where: { $0.keyword == keywords[number] }) { found.append((keywords[number], offset)) }
      }
    }
    return found
  }

  private static func isAt(_ offset: Int, _ keyword: [UInt8], _ text: Span<UInt8>) -> Bool {
    guard text.count - offset >= keyword.count else { return false }
    for index in keyword.indices where text[offset + index] != keyword[index] { return false }
    return true
  }
}

/// One step on the way from what a loader reads to what it runs.
public struct FlowStep: Sendable, Hashable {
  /// As the report names it; empty for the file of the fact itself.
  public var file: String
  /// From 1; column in UTF-8 bytes from 0, as CPython counts them.
  public var line: Int
  public var column: Int
  public var message: String

  public init(file: String = "", line: Int, column: Int, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }
}
