/// A JSON object, written left to right on one line.
public struct JSONObject {
  private var bytes: [UInt8] = [UInt8(ascii: "{")]

  public init() {}

  public mutating func add(_ key: StaticString, _ text: String) {
    open(key)
    Self.quote(text, into: &bytes)
  }

  public mutating func add(_ key: StaticString, _ number: Int) {
    open(key)
    bytes.append(contentsOf: String(number).utf8)
  }

  public mutating func add(_ key: StaticString, _ flag: Bool) {
    open(key)
    bytes.append(contentsOf: (flag ? "true" : "false").utf8)
  }

  public mutating func addNull(_ key: StaticString) {
    open(key)
    bytes.append(contentsOf: "null".utf8)
  }

  public mutating func add(_ key: StaticString, _ texts: [String]) {
    list(key, texts) { Self.quote($0, into: &$1) }
  }

  public mutating func add(_ key: StaticString, _ numbers: [Int]) {
    list(key, numbers) { $1.append(contentsOf: String($0).utf8) }
  }

  /// A number as its file writes it; as a text when JSON has no such number (`NaN`).
  public mutating func add(_ key: StaticString, number digits: String) {
    open(key)
    if Self.isNumber(digits) { bytes.append(contentsOf: digits.utf8) } else { Self.quote(digits, into: &bytes) }
  }

  /// Closes the object and appends it to `line`.
  public consuming func finish(into line: inout [UInt8], ending: StaticString = "\n") {
    line.append(contentsOf: bytes)
    line.append(UInt8(ascii: "}"))
    line.append(contentsOf: ending.description.utf8)
  }

  private mutating func open(_ key: StaticString) {
    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: key.description.utf8)
    bytes.append(contentsOf: "\":".utf8)
  }

  private mutating func list<Item>(_ key: StaticString, _ items: [Item], _ write: (Item, inout [UInt8]) -> Void) {
    open(key)
    bytes.append(UInt8(ascii: "["))
    for (number, item) in items.enumerated() {
      if number > 0 { bytes.append(UInt8(ascii: ",")) }
      write(item, &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  static func quote(_ text: String, into bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
      case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7f:
        bytes.append(contentsOf: "\\u00".utf8)
        for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? digit + 48 : digit + 87) }
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// RFC 8259's grammar for numbers.
  static func isNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    func digits(_ rest: inout Substring.UTF8View) -> Int {
      let run = rest.prefix(while: isDigit).count
      rest = rest.dropFirst(run)
      return run
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let startsWithZero = rest.first == UInt8(ascii: "0")
    let whole = digits(&rest)
    guard whole > 0, !(startsWithZero && whole > 1) else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard digits(&rest) > 0 else { return false }
    }
    if let byte = rest.first, byte | 0x20 == UInt8(ascii: "e") {
      rest = rest.dropFirst()
      if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
      guard digits(&rest) > 0 else { return false }
    }
    return rest.isEmpty
  }
}
