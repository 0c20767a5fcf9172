public import MScanRules

/// Bytes written for people: `8c 02 "os"   # a comment`, with what is expected of a line above it.
///
/// A line holds pairs of hexadecimal digits and texts in double quotes (`\n`, `\r`, `\t`, `\0`, `\\`, `\"`, `\xNN`);
/// `#` starts a comment. `#~ fires RULE [severity=NAME]` expects a finding that starts in the bytes of the next line.
public struct HexText: Sendable {
  public struct Expectation: Sendable, Hashable {
    public var rule: String
    public var severity: String?
    /// Bytes of the line it stands above.
    public var range: Range<Int>
    public var line: Int
  }

  public private(set) var bytes: [UInt8] = []
  public private(set) var expectations: [Expectation] = []

  /// - Parameter file: the file's name for the error.
  /// - Throws: the first line that is not of this form.
  public init(_ text: [UInt8], file: String) throws(RuleLoadFailure) {
    var waiting: [(rule: String, severity: String?, line: Int)] = []
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      let start = bytes.count
      do throws(Flaw) {
        if let expectation = try Self.expectation(line) {
          waiting.append((expectation.rule, expectation.severity, number + 1))
          continue
        }
        try append(line)
      } catch {
        let position = SourcePosition(line: number + 1, column: error.column + 1)
        throw RuleLoadFailure([RuleDiagnostic(file: file, position: position, message: error.message)])
      }
      guard bytes.count > start, !waiting.isEmpty else { continue }
      expectations += waiting.map {
        Expectation(rule: $0.rule, severity: $0.severity, range: start..<bytes.count, line: $0.line)
      }
      waiting.removeAll()
    }
    if let last = waiting.first {
      throw RuleLoadFailure([
        RuleDiagnostic(
          file: file, position: SourcePosition(line: last.line, column: 1), message: "no bytes follow this expectation")
      ])
    }
  }

  private struct Flaw: Error {
    var column: Int
    var message: String
  }

  private static func expectation(_ line: ArraySlice<UInt8>) throws(Flaw) -> (rule: String, severity: String?)? {
    let text = String(decoding: line, as: UTF8.self)
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    guard words.first == "#~" else { return nil }
    guard words.count >= 3, words[1] == "fires" else {
      throw Flaw(column: 0, message: "an expectation reads '#~ fires RULE' or '#~ fires RULE severity=NAME'")
    }
    var severity: String?
    for word in words[3...] {
      guard word.hasPrefix("severity=") else { throw Flaw(column: 0, message: "unknown condition '\(word)'") }
      severity = String(word.dropFirst("severity=".count))
    }
    return (words[2], severity)
  }

  private mutating func append(_ line: ArraySlice<UInt8>) throws(Flaw) {
    var at = line.startIndex
    func fail(_ message: String) -> Flaw { Flaw(column: at - line.startIndex, message: message) }
    while at < line.endIndex {
      switch line[at] {
      case 0x20, 0x09, 0x0d: at += 1
      case UInt8(ascii: "#"): return
      case UInt8(ascii: "\""):
        at += 1
        while true {
          guard at < line.endIndex else { throw fail("the text is not closed") }
          if line[at] == UInt8(ascii: "\"") { break }
          guard line[at] == UInt8(ascii: "\\") else {
            bytes.append(line[at])
            at += 1
            continue
          }
          guard let (byte, length) = Self.escape(line[(at + 1)...]) else { throw fail("unknown escape") }
          bytes.append(byte)
          at += 1 + length
        }
        at += 1
      default:
        guard let byte = Self.pair(line[at...]) else { throw fail("two hexadecimal digits or a text are wanted") }
        bytes.append(byte)
        at += 2
      }
    }
  }

  private static func pair(_ digits: ArraySlice<UInt8>) -> UInt8? {
    guard digits.count >= 2 else { return nil }
    return UInt8(String(decoding: digits.prefix(2), as: UTF8.self), radix: 16)
  }

  private static func escape(_ rest: ArraySlice<UInt8>) -> (byte: UInt8, length: Int)? {
    switch rest.first {
    case UInt8(ascii: "n"): (0x0a, 1)
    case UInt8(ascii: "r"): (0x0d, 1)
    case UInt8(ascii: "t"): (0x09, 1)
    case UInt8(ascii: "0"): (0, 1)
    case UInt8(ascii: "\\"): (UInt8(ascii: "\\"), 1)
    case UInt8(ascii: "\""): (UInt8(ascii: "\""), 1)
    case UInt8(ascii: "x"): pair(rest.dropFirst()).map { ($0, 3) }
    default: nil
    }
  }
}
