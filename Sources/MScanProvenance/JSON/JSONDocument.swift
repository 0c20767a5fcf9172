import MScanBytes

/// A JSON record, read whole into one flat list of values. Duplicate keys are an error here: what a signer saw and what
/// a reader sees would be two things.
///
/// Strict RFC 8259 but for a byte order mark, which is passed over. No recursion; nesting and values are bounded.
struct JSONDocument: Sendable {
  enum Failure: Error, Hashable {
    case malformed(at: Int)
    case duplicateKey(String)
    case limit(String)
  }

  fileprivate enum Kind: UInt8, Sendable { case object, array, string, number, boolean, null }

  fileprivate struct Node: Sendable {
    var kind: Kind
    /// Bytes of the scalar: a string without its quotes.
    var start: Int32 = 0
    var end: Int32 = 0
    /// Bytes of the key, without its quotes; empty outside objects.
    var keyStart: Int32 = 0
    var keyEnd: Int32 = 0
    var count: Int32 = 0
    /// Index of the first value inside, and of the next beside; -1 for none.
    var child: Int32 = -1
    var next: Int32 = -1
  }

  fileprivate let bytes: [UInt8]
  fileprivate private(set) var nodes: [Node] = []

  var root: JSONValue { JSONValue(document: self, index: 0) }

  /// - Throws: at the first byte that is not JSON, for a key that an object has twice, or at a limit.
  init(_ bytes: [UInt8], limits: Limits = .standard) throws(Failure) {
    guard bytes.count <= limits.recordBytes, bytes.count < Int(Int32.max) else {
      throw .limit("recordBytes")
    }
    self.bytes = bytes
    var reader = JSONReading(bytes: bytes, limits: limits)
    nodes = try reader.read()
  }

  /// The text of a string token, escapes resolved; a lone surrogate becomes U+FFFD.
  fileprivate func text(_ start: Int32, _ end: Int32) -> String { JSONReading.text(bytes[Int(start)..<Int(end)]) }
}

/// One value of a document. Asking it for what it is not gives nil or nothing.
struct JSONValue: Sendable {
  fileprivate let document: JSONDocument
  fileprivate let index: Int

  private var node: JSONDocument.Node { document.nodes[index] }

  var isObject: Bool { node.kind == .object }
  var isArray: Bool { node.kind == .array }
  /// Values inside.
  var count: Int { Int(node.count) }

  var string: String? { node.kind == .string ? document.text(node.start, node.end) : nil }

  /// A whole number, written as such, as a fraction of zeros (`256.0`), or as a string of digits.
  var integer: Int? {
    guard node.kind == .number || node.kind == .string else { return nil }
    var text = document.bytes[Int(node.start)..<Int(node.end)]
    if let dot = text.firstIndex(of: UInt8(ascii: ".")) {
      guard text[(dot + 1)...].allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
      text = text[..<dot]
    }
    return Int(String(decoding: text, as: UTF8.self))
  }

  var boolean: Bool? {
    node.kind == .boolean ? document.bytes[Int(node.start)] == UInt8(ascii: "t") : nil
  }

  /// The value of a key; nil without it.
  subscript(key: String) -> JSONValue? {
    guard node.kind == .object else { return nil }
    var at = Int(node.child)
    while at >= 0 {
      let entry = document.nodes[at]
      if document.text(entry.keyStart, entry.keyEnd) == key { return JSONValue(document: document, index: at) }
      at = Int(entry.next)
    }
    return nil
  }

  /// The values of an array, in order; nothing for anything else.
  var items: [JSONValue] { node.kind == .array ? inside : [] }

  /// The keys and values of an object, in order; nothing for anything else.
  var members: [(key: String, value: JSONValue)] {
    guard node.kind == .object else { return [] }
    return inside.map { (document.text($0.node.keyStart, $0.node.keyEnd), $0) }
  }

  /// Where the value starts in the record.
  var offset: Int { Int(node.start) }

  private var inside: [JSONValue] {
    var found: [JSONValue] = []
    found.reserveCapacity(count)
    var at = Int(node.child)
    while at >= 0 {
      found.append(JSONValue(document: document, index: at))
      at = Int(document.nodes[at].next)
    }
    return found
  }
}

/// One pass over the bytes.
private struct JSONReading {
  private struct Open {
    var node: Int
    /// The last value inside.
    var last = -1
    var keys: Set<String> = []
  }

  let bytes: [UInt8]
  let limits: Limits
  var at = 0
  var nodes: [JSONDocument.Node] = []
  private var open: [Open] = []

  init(bytes: [UInt8], limits: Limits) {
    self.bytes = bytes
    self.limits = limits
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
  }

  private var failure: JSONDocument.Failure { .malformed(at: at) }

  mutating func read() throws(JSONDocument.Failure) -> [JSONDocument.Node] {
    var key: Range<Int>?
    var wantsValue = true
    while true {
      skipSpace()
      guard wantsValue else {
        guard let top = open.last else {
          guard at == bytes.count else { throw failure }
          return nodes
        }
        guard at < bytes.count else { throw failure }
        let byte = bytes[at]
        let isObject = nodes[top.node].kind == .object
        at += 1
        switch byte {
        case UInt8(ascii: ","):
          wantsValue = true
          if isObject { key = try readKey() }
        case UInt8(ascii: "}") where isObject, UInt8(ascii: "]") where !isObject: open.removeLast()
        default:
          at -= 1
          throw failure
        }
        continue
      }
      wantsValue = false
      let index = try add(key)
      key = nil
      switch nodes[index].kind {
      case .object:
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
          at += 1
        } else {
          try push(index)
          key = try readKey()
          wantsValue = true
        }
      case .array:
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
          at += 1
        } else {
          try push(index)
          wantsValue = true
        }
      default: break
      }
    }
  }

  private mutating func push(_ index: Int) throws(JSONDocument.Failure) {
    guard open.count < limits.recordNesting else { throw .limit("recordNesting") }
    open.append(Open(node: index))
  }

  /// Reads the scalar or the opening bracket at hand, and hangs it into its container.
  private mutating func add(_ key: Range<Int>?) throws(JSONDocument.Failure) -> Int {
    guard at < bytes.count else { throw failure }
    guard nodes.count < limits.recordValues else { throw .limit("recordValues") }
    var node: JSONDocument.Node
    switch bytes[at] {
    case UInt8(ascii: "{"):
      node = JSONDocument.Node(kind: .object, start: Int32(at))
      at += 1
    case UInt8(ascii: "["):
      node = JSONDocument.Node(kind: .array, start: Int32(at))
      at += 1
    case UInt8(ascii: "\""):
      let range = try readString()
      node = JSONDocument.Node(kind: .string, start: Int32(range.lowerBound), end: Int32(range.upperBound))
    case UInt8(ascii: "t"): node = try word("true", .boolean)
    case UInt8(ascii: "f"): node = try word("false", .boolean)
    case UInt8(ascii: "n"): node = try word("null", .null)
    default: node = try number()
    }
    if let key {
      node.keyStart = Int32(key.lowerBound)
      node.keyEnd = Int32(key.upperBound)
    }
    let index = nodes.count
    nodes.append(node)
    if let top = open.indices.last {
      let last = open[top].last
      if last >= 0 { nodes[last].next = Int32(index) } else { nodes[open[top].node].child = Int32(index) }
      nodes[open[top].node].count += 1
      open[top].last = index
    }
    return index
  }

  private mutating func readKey() throws(JSONDocument.Failure) -> Range<Int> {
    skipSpace()
    guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw failure }
    let range = try readString()
    if let top = open.indices.last {
      let text = Self.text(bytes[range])
      guard open[top].keys.insert(text).inserted else { throw .duplicateKey(text) }
    }
    skipSpace()
    guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { throw failure }
    at += 1
    return range
  }

  private mutating func readString() throws(JSONDocument.Failure) -> Range<Int> {
    at += 1
    let start = at
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        at += 1
        return start..<(at - 1)
      case UInt8(ascii: "\\"): at += 2
      case 0..<0x20: throw failure
      default: at += 1
      }
    }
    at = bytes.count
    throw failure
  }

  private mutating func word(
    _ text: StaticString, _ kind: JSONDocument.Kind
  ) throws(JSONDocument.Failure) -> JSONDocument.Node {
    let wanted = Array(text.description.utf8)
    guard bytes[at...].starts(with: wanted) else { throw failure }
    defer { at += wanted.count }
    return JSONDocument.Node(kind: kind, start: Int32(at), end: Int32(at + wanted.count))
  }

  private mutating func number() throws(JSONDocument.Failure) -> JSONDocument.Node {
    let start = at
    while at < bytes.count {
      switch bytes[at] {
      case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        at += 1
      default:
        guard at > start else { throw failure }
        return JSONDocument.Node(kind: .number, start: Int32(start), end: Int32(at))
      }
    }
    guard at > start else { throw failure }
    return JSONDocument.Node(kind: .number, start: Int32(start), end: Int32(at))
  }

  private mutating func skipSpace() {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x09, 0x0a, 0x0d: at += 1
      default: return
      }
    }
  }

  static func text(_ token: ArraySlice<UInt8>) -> String {
    guard token.contains(UInt8(ascii: "\\")) else { return String(decoding: token, as: UTF8.self) }
    var units: [UInt16] = []
    var rest = token
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        if byte < 0x80 {
          units.append(UInt16(byte))
        } else {
          var sequence = [byte]
          while let more = rest.first, more & 0xc0 == 0x80 {
            sequence.append(more)
            rest = rest.dropFirst()
          }
          units.append(contentsOf: String(decoding: sequence, as: UTF8.self).utf16)
        }
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "n"): units.append(0x0a)
      case UInt8(ascii: "r"): units.append(0x0d)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0c)
      case UInt8(ascii: "u"):
        units.append(UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? 0xfffd)
        rest = rest.dropFirst(4)
      case let other?: units.append(UInt16(other))
      case nil: break
      }
    }
    return String(decoding: units, as: UTF16.self)
  }
}
