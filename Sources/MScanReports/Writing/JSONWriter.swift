/// Writes one JSON document, members in the order they are given.
///
/// Everything that a terminal would act on, hide or reorder is escaped, so that a report is as safe to print as to parse.
struct JSONWriter {
  enum Layout {
    /// One member a line, two spaces a level; lists of scalars stay on theirs.
    case pretty
    case oneLine
  }

  private var bytes: [UInt8] = []
  private let layout: Layout
  private var level = 0
  /// Whether the innermost object or list still has no member.
  private var isEmpty = true

  init(_ layout: Layout) { self.layout = layout }

  /// The document, without a newline at its end.
  var text: String { String(decoding: bytes, as: UTF8.self) }

  // MARK: - Values

  mutating func object(_ body: (inout JSONWriter) -> Void) {
    nest(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
  }

  mutating func list<Items: Sequence>(_ items: Items, _ body: (inout JSONWriter, Items.Element) -> Void) {
    nest(UInt8(ascii: "["), UInt8(ascii: "]")) { writer in
      for item in items {
        writer.next()
        body(&writer, item)
      }
    }
  }

  mutating func string(_ value: String) {
    bytes.append(UInt8(ascii: "\""))
    // Nearly every text is plain ASCII, and goes as it is.
    let isSimple = value.utf8.allSatisfy {
      (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "#")
    }
    if isSimple {
      raw(value)
    } else {
      for scalar in value.unicodeScalars { append(scalar) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  mutating func integer(_ value: Int) { raw(String(value)) }

  mutating func boolean(_ value: Bool) { raw(value ? "true" : "false") }

  /// A number of thousandths, as a decimal fraction.
  mutating func thousandths(_ value: Int) {
    let digits = String(value % 1000)
    raw("\(value / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits)
  }

  // MARK: - Members

  mutating func member(_ key: String, _ body: (inout JSONWriter) -> Void) {
    next()
    string(key)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(UInt8(ascii: " "))
    body(&self)
  }

  mutating func member(_ key: String, _ value: String) { member(key) { $0.string(value) } }
  mutating func member(_ key: String, _ value: Int) { member(key) { $0.integer(value) } }
  mutating func member(_ key: String, _ value: Bool) { member(key) { $0.boolean(value) } }

  mutating func member(_ key: String, _ values: [String]) {
    member(key) { writer in
      writer.bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { writer.raw(", ") }
        writer.string(value)
      }
      writer.bytes.append(UInt8(ascii: "]"))
    }
  }

  mutating func object(_ key: String, _ body: (inout JSONWriter) -> Void) { member(key) { $0.object(body) } }

  mutating func list<Items: Sequence>(
    _ key: String, _ items: Items, _ body: (inout JSONWriter, Items.Element) -> Void
  ) {
    member(key) { $0.list(items, body) }
  }

  // MARK: - Bytes

  private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func nest(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
    bytes.append(open)
    level += 1
    isEmpty = true
    body(&self)
    level -= 1
    if !isEmpty { breakLine() }
    bytes.append(close)
    isEmpty = false
  }

  private mutating func next() {
    if !isEmpty {
      bytes.append(UInt8(ascii: ","))
      if layout == .oneLine { bytes.append(UInt8(ascii: " ")) }
    }
    isEmpty = false
    breakLine()
  }

  private mutating func breakLine() {
    guard layout == .pretty else { return }
    bytes.append(UInt8(ascii: "\n"))
    for _ in 0..<level { raw("  ") }
  }

  private mutating func append(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": raw("\\\"")
    case "\\": raw("\\\\")
    case "\n": raw("\\n")
    case "\r": raw("\\r")
    case "\t": raw("\\t")
    // Two of them start a command for a build server, wherever the log has them.
    case "#" where bytes.last == UInt8(ascii: "#"): raw("\\u0023")
    default:
      if Plain.isPlain(scalar) {
        bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      } else {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          raw("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        }
      }
    }
  }
}
