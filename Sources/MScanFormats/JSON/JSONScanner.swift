import MScanBytes

/// What a JSON document consists of, in order. Offsets are indexes into the scanner's bytes.
protocol JSONVisitor {
  mutating func beginContainer(isObject: Bool, at offset: Int)
  mutating func endContainer(isObject: Bool, at end: Int)
  /// A key, without its quotes. `isEscaped` when it holds a backslash.
  mutating func key(_ range: Range<Int>, isEscaped: Bool)
  mutating func string(_ range: Range<Int>, isEscaped: Bool)
  mutating func number(_ range: Range<Int>)
  /// `true`, `false`, `null`, and Python's `NaN`, `Infinity`, `-Infinity`.
  mutating func literal(_ range: Range<Int>)
}

/// Reads JSON as Python's `json` does: RFC 8259, and NaN and the infinities besides. Iterative; depth is bounded by
/// `nesting`. Linear; allocates nothing but its stack.
struct JSONScanner {
  let bytes: [UInt8]
  /// Where `bytes[0]` lies in the artifact, for failures.
  let base: Int
  let nesting: Int
  private(set) var index: Int
  private let end: Int

  private enum Expect { case value, keyOrEnd, key, commaOrEnd, valueOrEnd }

  init(_ bytes: [UInt8], from start: Int = 0, to end: Int? = nil, base: Int = 0, nesting: Int) {
    self.bytes = bytes
    self.base = base
    self.nesting = nesting
    index = start
    self.end = min(end ?? bytes.count, bytes.count)
  }

  private func fail(_ field: StaticString, at offset: Int) -> ParseFailure {
    ParseFailure(offset >= end ? .truncated : .malformed, field, at: base &+ min(offset, end))
  }

  @inline(__always) mutating func skipBlanks() {
    while index < end {
      let byte = bytes[index]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
      index &+= 1
    }
  }

  var isAtEnd: Bool { index >= end }

  /// Reads one document from `index` on.
  mutating func scan(_ visitor: inout some JSONVisitor) throws(ParseFailure) {
    var stack: [Bool] = []
    var expect = Expect.value
    while true {
      skipBlanks()
      guard index < end else { throw fail("value", at: end) }
      let byte = bytes[index]
      switch expect {
      case .keyOrEnd where byte == 0x7d, .valueOrEnd where byte == 0x5d: break
      case .keyOrEnd, .key:
        guard byte == 0x22 else { throw fail("key", at: index) }
        let (range, isEscaped) = try quoted()
        visitor.key(range, isEscaped: isEscaped)
        skipBlanks()
        guard index < end, bytes[index] == 0x3a else { throw fail("colon", at: index) }
        index &+= 1
        expect = .value
        continue
      case .value, .valueOrEnd:
        if byte == 0x7b || byte == 0x5b {
          guard stack.count < nesting else { throw ParseFailure(.limitExceeded, "nesting", at: base &+ index) }
          visitor.beginContainer(isObject: byte == 0x7b, at: index)
          stack.append(byte == 0x7b)
          index &+= 1
          expect = byte == 0x7b ? .keyOrEnd : .valueOrEnd
          continue
        }
        try scalar(byte, &visitor)
        if stack.isEmpty { return }
        expect = .commaOrEnd
        continue
      case .commaOrEnd:
        if byte == 0x2c {
          index &+= 1
          expect = stack.last == true ? .key : .value
          continue
        }
      }
      guard let isObject = stack.popLast(), byte == (isObject ? 0x7d : 0x5d) else { throw fail("comma", at: index) }
      index &+= 1
      visitor.endContainer(isObject: isObject, at: index)
      if stack.isEmpty { return }
      expect = .commaOrEnd
    }
  }

  private mutating func scalar(_ byte: UInt8, _ visitor: inout some JSONVisitor) throws(ParseFailure) {
    let start = index
    switch byte {
    case 0x22:
      let (range, isEscaped) = try quoted()
      visitor.string(range, isEscaped: isEscaped)
    case 0x30...0x39, 0x2d:
      if byte == 0x2d, index &+ 1 < end, bytes[index &+ 1] == 0x49 {
        try word("-Infinity")
        visitor.literal(start..<index)
        return
      }
      try numberToken()
      visitor.number(start..<index)
    case 0x74: try literal("true", &visitor)
    case 0x66: try literal("false", &visitor)
    case 0x6e: try literal("null", &visitor)
    case 0x4e: try literal("NaN", &visitor)
    case 0x49: try literal("Infinity", &visitor)
    default: throw fail("value", at: index)
    }
  }

  private mutating func literal(_ text: StaticString, _ visitor: inout some JSONVisitor) throws(ParseFailure) {
    let start = index
    try word(text)
    visitor.literal(start..<index)
  }

  private mutating func word(_ text: StaticString) throws(ParseFailure) {
    for byte in text.description.utf8 {
      guard index < end, bytes[index] == byte else { throw fail("value", at: index) }
      index &+= 1
    }
  }

  private mutating func digits() -> Bool {
    let start = index
    while index < end, bytes[index] >= 0x30, bytes[index] <= 0x39 { index &+= 1 }
    return index > start
  }

  private mutating func numberToken() throws(ParseFailure) {
    if bytes[index] == 0x2d { index &+= 1 }
    guard index < end else { throw fail("number", at: end) }
    if bytes[index] == 0x30 {
      index &+= 1
    } else {
      guard digits() else { throw fail("number", at: index) }
    }
    if index < end, bytes[index] == 0x2e {
      index &+= 1
      guard digits() else { throw fail("number", at: index) }
    }
    if index < end, bytes[index] | 0x20 == 0x65 {
      index &+= 1
      if index < end, bytes[index] == 0x2b || bytes[index] == 0x2d { index &+= 1 }
      guard digits() else { throw fail("number", at: index) }
    }
  }

  /// A string; `index` is at its quote. Returns what stands between the quotes.
  private mutating func quoted() throws(ParseFailure) -> (Range<Int>, Bool) {
    let start = index &+ 1
    var at = start
    var isEscaped = false
    while at < end {
      let byte = bytes[at]
      if byte == 0x22 {
        index = at &+ 1
        return (start..<at, isEscaped)
      }
      if byte == 0x5c {
        isEscaped = true
        guard at &+ 1 < end else { break }
        switch bytes[at &+ 1] {
        case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74: at &+= 2
        case 0x75:
          guard at &+ 5 < end else { throw fail("string", at: end) }
          for step in 2...5 where !Self.isHex(bytes[at &+ step]) { throw fail("escape", at: at) }
          at &+= 6
        default: throw fail("escape", at: at)
        }
        continue
      }
      guard byte >= 0x20 else { throw fail("string", at: at) }
      at &+= 1
    }
    throw fail("string", at: end)
  }

  static func isHex(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
  }

  /// Text between quotes, with its escapes undone. Lone surrogates become U+FFFD.
  static func text(_ bytes: ArraySlice<UInt8>, isEscaped: Bool) -> String {
    guard isEscaped else { return String(decoding: bytes, as: UTF8.self) }
    var units: [UInt8] = []
    var at = bytes.startIndex
    while at < bytes.endIndex {
      guard bytes[at] == 0x5c, at &+ 1 < bytes.endIndex else {
        units.append(bytes[at])
        at &+= 1
        continue
      }
      let mark = bytes[at &+ 1]
      at &+= 2
      switch mark {
      case 0x62: units.append(8)
      case 0x66: units.append(12)
      case 0x6e: units.append(10)
      case 0x72: units.append(13)
      case 0x74: units.append(9)
      case 0x75:
        var value = unit(bytes, at)
        at = min(at &+ 4, bytes.endIndex)
        if (0xd800..<0xdc00).contains(value), at &+ 5 < bytes.endIndex, bytes[at] == 0x5c, bytes[at &+ 1] == 0x75 {
          let low = unit(bytes, at &+ 2)
          if (0xdc00..<0xe000).contains(low) {
            value = 0x10000 &+ (value &- 0xd800) &<< 10 &+ (low &- 0xdc00)
            at &+= 6
          }
        }
        units.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{fffd}").utf8)
      default: units.append(mark)
      }
    }
    return String(decoding: units, as: UTF8.self)
  }

  /// The code unit of a `\u` escape whose digits start at `at`.
  static func unit(_ bytes: ArraySlice<UInt8>, _ at: Int) -> UInt32 {
    var value: UInt32 = 0
    for step in 0..<4 where at &+ step < bytes.endIndex {
      let byte = bytes[at &+ step]
      let digit = byte >= 0x61 ? byte &- 0x57 : byte >= 0x41 ? byte &- 0x37 : byte &- 0x30
      value = value &<< 4 | UInt32(digit & 0xf)
    }
    return value
  }

  /// Whether a `\u` escape between the quotes is half of a surrogate pair without the other half.
  static func hasLoneSurrogate(_ bytes: ArraySlice<UInt8>) -> Bool {
    var at = bytes.startIndex
    while at &+ 1 < bytes.endIndex {
      guard bytes[at] == 0x5c else {
        at &+= 1
        continue
      }
      guard bytes[at &+ 1] == 0x75 else {
        at &+= 2
        continue
      }
      let value = unit(bytes, at &+ 2)
      at &+= 6
      if (0xdc00..<0xe000).contains(value) { return true }
      if (0xd800..<0xdc00).contains(value) {
        guard at &+ 5 < bytes.endIndex, bytes[at] == 0x5c, bytes[at &+ 1] == 0x75,
          (0xdc00..<0xe000).contains(unit(bytes, at &+ 2))
        else { return true }
        at &+= 6
      }
    }
    return false
  }
}
