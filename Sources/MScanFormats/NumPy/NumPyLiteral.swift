import MScanBytes

/// A Python literal, as `ast.literal_eval` builds it: strings with their escapes undone, numbers, `True`, `False`,
/// `None`, tuples, lists and dictionaries. Nodes lie in one array; nothing recurses.
///
/// What is no plain literal of these kinds (sets, complex sums, `\N{…}`) is `malformed`: nobody writes it in a header.
struct NumPyLiteral {
  enum Node {
    case text(String)
    /// Nil for a number that is no whole one or does not fit.
    case number(Int?)
    case word(String)
    case tuple([Int])
    case list([Int])
    /// Keys and values in turn.
    case dictionary([Int])
  }

  private enum Opener: UInt8 {
    case paren = 0x28
    case bracket = 0x5b
    case brace = 0x7b

    var closer: UInt8 { self == .paren ? 0x29 : rawValue &+ 2 }
  }

  private struct Open {
    var opener: Opener
    var items: [Int] = []
    var hasComma = false
    /// What may come next: an item, or a separator behind one.
    var needsSeparator = false
  }

  private(set) var nodes: [Node] = []
  /// Index of the outermost node.
  private(set) var root = 0

  private let bytes: [UInt8]
  private let base: Int
  private var at = 0
  private var open: [Open] = []
  private let nesting: Int

  /// - Parameter base: where `bytes[0]` lies in the artifact.
  /// - Throws: `malformed`, `truncated` or `limitExceeded` (field `nesting`), at absolute offsets.
  init(_ bytes: [UInt8], base: Int, nesting: Int) throws(ParseFailure) {
    self.bytes = bytes
    self.base = base
    self.nesting = nesting
    try parse()
  }

  subscript(index: Int) -> Node { nodes.indices.contains(index) ? nodes[index] : .word("") }

  private func failure(_ field: StaticString) -> ParseFailure {
    ParseFailure(at < bytes.count ? .malformed : .truncated, field, at: base &+ min(at, bytes.count))
  }

  // MARK: Structure

  private mutating func parse() throws(ParseFailure) {
    var isDone = false
    while true {
      skipBlanks()
      guard at < bytes.count else {
        guard isDone, open.isEmpty else { throw failure("literal") }
        return
      }
      guard !isDone else { throw failure("literal") }
      let byte = bytes[at]
      if let opener = Opener(rawValue: byte) {
        guard open.count < nesting else { throw ParseFailure(.limitExceeded, "nesting", at: base &+ at) }
        try expectItem()
        open.append(Open(opener: opener))
        at &+= 1
        continue
      }
      if byte == 0x2c || byte == 0x3a {
        try separate(byte)
      } else if byte == 0x29 || byte == 0x5d || byte == 0x7d {
        isDone = try close(byte)
      } else {
        try expectItem()
        isDone = add(try scalar(byte))
      }
    }
  }

  private func expectItem() throws(ParseFailure) {
    if open.last?.needsSeparator == true { throw failure("comma") }
  }

  /// Puts a finished node into the container around it. Returns whether there is none.
  private mutating func add(_ node: Node) -> Bool {
    nodes.append(node)
    return place(nodes.count &- 1)
  }

  private mutating func place(_ index: Int) -> Bool {
    guard let last = open.indices.last else {
      root = index
      return true
    }
    open[last].items.append(index)
    open[last].needsSeparator = true
    return false
  }

  private mutating func separate(_ byte: UInt8) throws(ParseFailure) {
    guard let last = open.indices.last, open[last].needsSeparator else { throw failure("comma") }
    let isAfterKey = open[last].opener == .brace && open[last].items.count % 2 == 1
    guard (byte == 0x3a) == isAfterKey else { throw failure("comma") }
    open[last].needsSeparator = false
    if byte == 0x2c { open[last].hasComma = true }
    at &+= 1
  }

  private mutating func close(_ byte: UInt8) throws(ParseFailure) -> Bool {
    guard let closed = open.popLast(), closed.opener.closer == byte else { throw failure("bracket") }
    at &+= 1
    switch closed.opener {
    case .bracket: return add(.list(closed.items))
    case .brace:
      guard closed.items.count % 2 == 0 else { throw failure("colon") }
      return add(.dictionary(closed.items))
    case .paren:
      // Brackets around one item and no comma are only brackets.
      if let only = closed.items.first, !closed.hasComma { return place(only) }
      return add(.tuple(closed.items))
    }
  }

  private mutating func skipBlanks() {
    while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d, 0x0c].contains(bytes[at]) { at &+= 1 }
  }

  // MARK: Scalars

  private mutating func scalar(_ byte: UInt8) throws(ParseFailure) -> Node {
    switch byte {
    case 0x27, 0x22: return .text(try strings())
    case 0x2b, 0x2d, 0x30...0x39: return try number()
    case 0x41...0x5a, 0x61...0x7a, 0x5f:
      let start = at
      while at < bytes.count, Self.isWord(bytes[at]) { at &+= 1 }
      if at < bytes.count, bytes[at] == 0x27 || bytes[at] == 0x22 {
        let prefix = String(decoding: bytes[start..<at], as: UTF8.self).lowercased()
        guard prefix == "u" || prefix == "b" else { throw failure("string") }
        return .text(try strings())
      }
      let word = String(decoding: bytes[start..<at], as: UTF8.self)
      guard ["True", "False", "None"].contains(word) else { throw failure("literal") }
      return .word(word)
    default: throw failure("literal")
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
    default: false
    }
  }

  private mutating func number() throws(ParseFailure) -> Node {
    let start = at
    if bytes[at] == 0x2b || bytes[at] == 0x2d { at &+= 1 }
    while at < bytes.count, Self.isWord(bytes[at]) || bytes[at] == 0x2e { at &+= 1 }
    var text = String(decoding: bytes[start..<at], as: UTF8.self)
    guard text.utf8.contains(where: { (0x30...0x39).contains($0) }) else { throw failure("number") }
    // Python 2 wrote long integers with an L.
    if text.hasSuffix("L") { text.removeLast() }
    return .number(Int(text.replacing("_", with: "")))
  }

  /// One string and those that follow it without a comma, which Python joins.
  private mutating func strings() throws(ParseFailure) -> String {
    var text: [UInt8] = []
    repeat {
      let quote = bytes[at]
      at &+= 1
      while true {
        guard at < bytes.count, bytes[at] != 0x0a else { throw failure("string") }
        let byte = bytes[at]
        at &+= 1
        if byte == quote { break }
        if byte == 0x5c {
          try escape(into: &text)
        } else {
          text.append(byte)
        }
      }
      // Three quotes open another kind of string.
      if text.isEmpty, at < bytes.count, bytes[at] == quote { throw failure("string") }
      skipBlanks()
    } while at < bytes.count && (bytes[at] == 0x27 || bytes[at] == 0x22)
    return String(decoding: text, as: UTF8.self)
  }

  /// An escape, whose backslash is behind.
  private mutating func escape(into text: inout [UInt8]) throws(ParseFailure) {
    guard at < bytes.count else { throw failure("escape") }
    let byte = bytes[at]
    at &+= 1
    switch byte {
    case 0x0a: return
    case 0x5c, 0x27, 0x22: text.append(byte)
    case 0x6e: text.append(0x0a)
    case 0x72: text.append(0x0d)
    case 0x74: text.append(0x09)
    case 0x30...0x37:
      at &-= 1
      append(try digits(upTo: 3, radix: 8), to: &text)
    case 0x78: append(try digits(exactly: 2), to: &text)
    case 0x75: append(try digits(exactly: 4), to: &text)
    case 0x55: append(try digits(exactly: 8), to: &text)
    case 0x4e, 0x61, 0x62, 0x66, 0x76: throw failure("escape")
    default:
      text.append(0x5c)
      text.append(byte)
    }
  }

  private func append(_ value: UInt32, to text: inout [UInt8]) {
    text.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{fffd}").utf8)
  }

  private mutating func digits(exactly count: Int) throws(ParseFailure) -> UInt32 {
    let start = at
    let value = try digits(upTo: count, radix: 16)
    guard at &- start == count else { throw failure("escape") }
    return value
  }

  private mutating func digits(upTo count: Int, radix: UInt32) throws(ParseFailure) -> UInt32 {
    let start = at
    var value: UInt32 = 0
    while at < bytes.count, at &- start < count {
      guard let digit = Character(Unicode.Scalar(bytes[at])).hexDigitValue, digit < Int(radix) else { break }
      value = value &* radix &+ UInt32(digit)
      at &+= 1
    }
    guard at > start else { throw failure("escape") }
    return value
  }
}
