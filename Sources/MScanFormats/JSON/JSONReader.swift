import MScanBytes

/// One step of a JSON text. Offsets count from the first byte the reader was given.
struct JSONToken {
  enum Kind: UInt8 {
    case beginObject, endObject, beginArray, endArray
    /// A key; its colon is consumed with it.
    case key
    case string, number, trueWord, falseWord, nullWord
    /// `NaN`, `Infinity`, `-Infinity`, or a number that Python's reader turns into an infinity.
    case notANumber
    /// The document is over.
    case end
  }

  var kind: Kind
  /// Bytes of the token, quotes included; `start < end` but for ``Kind/end``.
  var start: Int
  var end: Int
  /// A key or string with a backslash in it.
  var isEscaped = false
  /// First byte at fault inside a key or string; -1 if there is none.
  var invalidUTF8 = -1
  var loneSurrogate = -1
  /// Has the escape of the character zero.
  var hasNul = false
}

/// Reads JSON as Python's `json` does (NaN and the infinities, integers of any length, lone surrogates, the last of
/// equal keys wins), one token a call, without recursion. Strict otherwise: no leading zeros or control characters in
/// strings. Comments and commas behind the last entry, which Python refuses and editors take, are read over when that is
/// asked for; where the first of them stands is kept.
///
/// The bytes are passed to each call, so that the reader itself is a plain value.
struct JSONReader {
  private enum Expect: UInt8 { case value, elementOrEnd, keyOrEnd, commaOrEnd, done }

  /// Offset of the next byte; never behind the end of the bytes.
  private(set) var position: Int
  /// For each open container, whether it is an object. At most `nesting` long.
  private var isObject: [Bool] = []
  private var expect = Expect.value
  private let nesting: Int
  private let takesComments: Bool
  /// Where the first comment starts; -1 without one.
  private(set) var comment = -1
  /// Where the first comma stands that no entry follows; -1 without one.
  private(set) var looseComma = -1

  /// A reader of the document that starts at `position`, behind blanks or not.
  init(at position: Int = 0, nesting: Int, takesComments: Bool = false) {
    self.position = max(0, position)
    self.nesting = nesting
    self.takesComments = takesComments
  }

  var depth: Int { isObject.count }

  /// The next token.
  ///
  /// - Throws: `truncated` where the bytes end, `malformed` where Python refuses them, `limitExceeded` (field
  ///   `nesting`); offsets count from the first byte.
  mutating func next(_ bytes: Span<UInt8>) throws(ParseFailure) -> JSONToken {
    if expect == .done { return JSONToken(kind: .end, start: position, end: position) }
    try skipSpace(bytes)
    guard position < bytes.count else { throw ParseFailure(.truncated, "value", at: position) }
    var byte = bytes[position]
    switch expect {
    case .commaOrEnd:
      if byte == 0x7d || byte == 0x5d { return try close(byte) }
      guard byte == 0x2c else { throw ParseFailure(.malformed, "comma", at: position) }
      let comma = position
      position &+= 1
      try skipSpace(bytes)
      guard position < bytes.count else { throw ParseFailure(.truncated, "value", at: position) }
      byte = bytes[position]
      if takesComments, byte == 0x7d || byte == 0x5d {
        if looseComma < 0 { looseComma = comma }
        return try close(byte)
      }
      if isObject.last == true { return try key(bytes) }
    case .keyOrEnd:
      if byte == 0x7d { return try close(byte) }
      return try key(bytes)
    case .elementOrEnd:
      if byte == 0x5d { return try close(byte) }
    case .value, .done:
      break
    }
    return try value(byte, bytes)
  }

  /// Moves behind blanks and comments.
  ///
  /// - Throws: `truncated` where a comment is not closed, `malformed` for a slash that starts none.
  @inline(__always)
  mutating func skipSpace(_ bytes: Span<UInt8>) throws(ParseFailure) {
    position = bytes.endOfBlanks(from: position)
    if position < bytes.count, bytes[position] == 0x2f, takesComments { try skipComments(bytes) }
  }

  /// Moves behind blanks.
  @inline(__always)
  mutating func skipBlanks(_ bytes: Span<UInt8>) { position = bytes.endOfBlanks(from: position) }

  private mutating func skipComments(_ bytes: Span<UInt8>) throws(ParseFailure) {
    while position < bytes.count, bytes[position] == 0x2f {
      let start = position
      guard start &+ 1 < bytes.count else { throw ParseFailure(.malformed, "value", at: start) }
      var at = start &+ 2
      switch bytes[start &+ 1] {
      case 0x2f:
        while at < bytes.count, bytes[at] != 0x0a { at &+= 1 }
      case 0x2a:
        while at &+ 1 < bytes.count, bytes[at] != 0x2a || bytes[at &+ 1] != 0x2f { at &+= 1 }
        guard at &+ 1 < bytes.count else { throw ParseFailure(.truncated, "comment", at: start) }
        at &+= 2
      default: throw ParseFailure(.malformed, "value", at: start)
      }
      if comment < 0 { comment = start }
      position = bytes.endOfBlanks(from: at)
    }
  }

  // MARK: Plain entries

  /// Where a key or string stands, quotes included.
  struct Plain {
    var start: Int
    var end: Int
    /// A backslash is in it; what it says is in the text that was passed.
    var isEscaped: Bool
  }

  /// The next entry of an object where it is a key and a whole number of up to 15 digits: what vocabularies consist of.
  /// The reader moves behind the number.
  ///
  /// - Parameter text: gets what a key with escapes says.
  /// - Returns: the key and the number; nil for anything else, which the reader still stands before.
  @inline(__always)
  mutating func nextPlainEntry(_ bytes: Span<UInt8>, _ text: inout JSONPlainText) -> (key: Plain, number: Int)? {
    guard let start = plainStart(bytes, first: .keyOrEnd), let key = Self.plainString(bytes, start, &text) else {
      return nil
    }
    var at = key.end
    if at < bytes.count, bytes[at] != 0x3a { at = bytes.endOfBlanks(from: at) }
    guard at < bytes.count, bytes[at] == 0x3a else { return nil }
    at &+= 1
    if at < bytes.count, bytes[at] == 0x20 { at &+= 1 }
    if at < bytes.count, bytes[at] <= 0x20 { at = bytes.endOfBlanks(from: at) }
    let number = at
    var (value, digits) = bytes.shortNumber(at: at)
    at &+= digits
    while digits == 0, at < bytes.count, bytes[at] &- 0x30 < 10 {
      // Of more digits than are taken, nothing is made.
      value = value &* 10 &+ Int(bytes[at] &- 0x30)
      at &+= 1
    }
    guard at > number, at &- number <= 15, at < bytes.count, bytes[number] != 0x30 || at == number &+ 1 else {
      return nil
    }
    // Whatever else stands there makes another number of it, or none.
    guard bytes[at] == 0x2c || bytes[at] == 0x7d || bytes[at] <= 0x20 else { return nil }
    position = at
    expect = .commaOrEnd
    return (key, value)
  }

  /// The next element of an array where it is a string of up to `most` bytes.
  ///
  /// - Parameter text: gets what one with escapes says.
  /// - Returns: where it stands; nil for anything else, which the reader still stands before.
  @inline(__always)
  mutating func nextPlainString(_ bytes: Span<UInt8>, most: Int, _ text: inout JSONPlainText) -> Plain? {
    guard let start = plainStart(bytes, first: .elementOrEnd), let string = Self.plainString(bytes, start, &text),
      string.end &- start <= most
    else { return nil }
    position = string.end
    expect = .commaOrEnd
    return string
  }

  /// The next element of an array where it is an array of two such strings.
  ///
  /// - Parameters:
  ///   - text: gets what the first says, if it has escapes.
  ///   - other: gets what the second says, if it has escapes.
  /// - Returns: where they stand; nil for anything else, which the reader still stands before.
  @inline(__always)
  mutating func nextPlainPair(
    _ bytes: Span<UInt8>, most: Int, _ text: inout JSONPlainText, _ other: inout JSONPlainText
  ) -> (first: Plain, second: Plain)? {
    guard let open = plainStart(bytes, first: .elementOrEnd, 0x5b) else { return nil }
    let start = bytes.endOfBlanks(from: open &+ 1)
    guard start < bytes.count, bytes[start] == 0x22, let first = Self.plainString(bytes, start, &text) else {
      return nil
    }
    let comma = bytes.endOfBlanks(from: first.end)
    guard comma < bytes.count, bytes[comma] == 0x2c else { return nil }
    let next = bytes.endOfBlanks(from: comma &+ 1)
    guard next < bytes.count, bytes[next] == 0x22, let second = Self.plainString(bytes, next, &other),
      first.end &- start <= most, second.end &- next <= most
    else { return nil }
    let close = bytes.endOfBlanks(from: second.end)
    guard close < bytes.count, bytes[close] == 0x5d, isObject.count < nesting else { return nil }
    position = close &+ 1
    expect = .commaOrEnd
    return (first, second)
  }

  /// Where the next entry starts with a quote or another byte, behind its comma.
  @inline(__always)
  private func plainStart(_ bytes: Span<UInt8>, first: Expect, _ opening: UInt8 = 0x22) -> Int? {
    var at = position
    if expect == .commaOrEnd {
      if at < bytes.count, bytes[at] != 0x2c { at = bytes.endOfBlanks(from: at) }
      guard at < bytes.count, bytes[at] == 0x2c else { return nil }
      at &+= 1
    } else if expect != first {
      return nil
    }
    if at < bytes.count, bytes[at] == opening { return at }
    at = bytes.endOfBlanks(from: at)
    return at < bytes.count && bytes[at] == opening ? at : nil
  }

  /// The string that starts at `start`; nil for one with bytes that are not UTF-8, or with escapes that are not taken.
  @inline(__always)
  private static func plainString(_ bytes: Span<UInt8>, _ start: Int, _ text: inout JSONPlainText) -> Plain? {
    let at = bytes.endOfStringText(from: start &+ 1)
    guard at < bytes.count else { return nil }
    if bytes[at] == 0x22 { return Plain(start: start, end: at &+ 1, isEscaped: false) }
    guard bytes[at] == 0x5c, let end = text.take(bytes, from: start &+ 1, backslash: at) else { return nil }
    return Plain(start: start, end: end, isEscaped: true)
  }

  // MARK: Structure

  private mutating func value(_ byte: UInt8, _ bytes: Span<UInt8>) throws(ParseFailure) -> JSONToken {
    switch byte {
    case 0x22:
      let token = try string(.string, bytes)
      finishValue()
      return token
    case 0x7b, 0x5b:
      guard isObject.count < nesting else { throw ParseFailure(.limitExceeded, "nesting", at: position) }
      let isBrace = byte == 0x7b
      isObject.append(isBrace)
      expect = isBrace ? .keyOrEnd : .elementOrEnd
      position &+= 1
      return JSONToken(kind: isBrace ? .beginObject : .beginArray, start: position &- 1, end: position)
    case 0x2d, 0x30...0x39:
      let token = try number(bytes)
      finishValue()
      return token
    default:
      let token = try word(byte, bytes)
      finishValue()
      return token
    }
  }

  private mutating func finishValue() { expect = isObject.isEmpty ? .done : .commaOrEnd }

  private mutating func close(_ byte: UInt8) throws(ParseFailure) -> JSONToken {
    let closesObject = byte == 0x7d
    guard isObject.last == closesObject else { throw ParseFailure(.malformed, "bracket", at: position) }
    isObject.removeLast()
    position &+= 1
    finishValue()
    return JSONToken(kind: closesObject ? .endObject : .endArray, start: position &- 1, end: position)
  }

  private mutating func key(_ bytes: Span<UInt8>) throws(ParseFailure) -> JSONToken {
    guard bytes[position] == 0x22 else { throw ParseFailure(.malformed, "key", at: position) }
    let token = try string(.key, bytes)
    try skipSpace(bytes)
    guard position < bytes.count else { throw ParseFailure(.truncated, "colon", at: position) }
    guard bytes[position] == 0x3a else { throw ParseFailure(.malformed, "colon", at: position) }
    position &+= 1
    expect = .value
    return token
  }

  // MARK: Scalars

  private mutating func word(_ byte: UInt8, _ bytes: Span<UInt8>) throws(ParseFailure) -> JSONToken {
    switch byte {
    case 0x74: try literal("true", .trueWord, from: position, bytes)
    case 0x66: try literal("false", .falseWord, from: position, bytes)
    case 0x6e: try literal("null", .nullWord, from: position, bytes)
    case 0x4e: try literal("NaN", .notANumber, from: position, bytes)
    case 0x49: try literal("Infinity", .notANumber, from: position, bytes)
    default: throw ParseFailure(.malformed, "value", at: position)
    }
  }

  private mutating func literal(
    _ text: StaticString, _ kind: JSONToken.Kind, from start: Int, _ bytes: Span<UInt8>
  ) throws(ParseFailure) -> JSONToken {
    for expected in text.description.utf8 {
      guard position < bytes.count else { throw ParseFailure(.truncated, "literal", at: position) }
      guard bytes[position] == expected else { throw ParseFailure(.malformed, "literal", at: position) }
      position &+= 1
    }
    return JSONToken(kind: kind, start: start, end: position)
  }

  private mutating func number(_ bytes: Span<UInt8>) throws(ParseFailure) -> JSONToken {
    let start = position
    if bytes[position] == 0x2d {
      position &+= 1
      if position < bytes.count, bytes[position] == 0x49 {
        return try literal("Infinity", .notANumber, from: start, bytes)
      }
    }
    let whole = position
    guard position < bytes.count else { throw ParseFailure(.truncated, "number", at: position) }
    if bytes[position] == 0x30 { position &+= 1 } else { skipDigits(bytes) }
    guard position > whole else { throw ParseFailure(.malformed, "number", at: position) }
    let wholeDigits = position &- whole
    var isFloat = false
    var exponentDigits = 0
    if position < bytes.count, bytes[position] == 0x2e {
      let point = position
      position &+= 1
      skipDigits(bytes)
      guard position > point &+ 1 else { throw failure("number", bytes) }
      isFloat = true
    }
    if position < bytes.count, bytes[position] | 0x20 == 0x65 {
      position &+= 1
      if position < bytes.count, bytes[position] == 0x2b || bytes[position] == 0x2d { position &+= 1 }
      let exponent = position
      skipDigits(bytes)
      exponentDigits = position &- exponent
      guard exponentDigits > 0 else { throw failure("number", bytes) }
      isFloat = true
    }
    var token = JSONToken(kind: .number, start: start, end: position)
    // A whole number never overflows in Python; a float can only with 308 digits or an exponent of three.
    if isFloat, exponentDigits > 2 || wholeDigits > 200 {
      let text = String(decoding: JSONText.copy(bytes, start, position), as: UTF8.self)
      if let value = Double(text), value.isInfinite { token.kind = .notANumber }
    }
    return token
  }

  private mutating func skipDigits(_ bytes: Span<UInt8>) {
    while position < bytes.count, bytes[position] &- 0x30 < 10 { position &+= 1 }
  }

  private func failure(_ field: StaticString, _ bytes: Span<UInt8>) -> ParseFailure {
    ParseFailure(position < bytes.count ? .malformed : .truncated, field, at: position)
  }

  private mutating func string(_ kind: JSONToken.Kind, _ bytes: Span<UInt8>) throws(ParseFailure) -> JSONToken {
    var token = JSONToken(kind: kind, start: position, end: position)
    var at = position &+ 1
    // Where a `\ud800`-like escape stands that waits for its second half, and where that has to start.
    var high = -1
    var highEnd = -1
    while true {
      at = bytes.endOfStringText(from: at)
      guard at < bytes.count else { break }
      let byte = bytes[at]
      if byte == 0x22 {
        if high >= 0, token.loneSurrogate < 0 { token.loneSurrogate = high }
        position = at &+ 1
        token.end = position
        return token
      } else if byte == 0x5c {
        token.isEscaped = true
        guard at &+ 1 < bytes.count else { throw ParseFailure(.truncated, "escape", at: at) }
        guard bytes[at &+ 1] == 0x75 else {
          guard JSONText.isSimpleEscape(bytes[at &+ 1]) else { throw ParseFailure(.malformed, "escape", at: at) }
          at &+= 2
          continue
        }
        guard at &+ 6 <= bytes.count else { throw ParseFailure(.truncated, "escape", at: at) }
        guard let unit = JSONText.unit(bytes, at &+ 2) else { throw ParseFailure(.malformed, "escape", at: at) }
        if unit == 0 { token.hasNul = true }
        let isLow = unit & 0xfc00 == 0xdc00
        if high >= 0, !(isLow && highEnd == at), token.loneSurrogate < 0 { token.loneSurrogate = high }
        if isLow, !(high >= 0 && highEnd == at), token.loneSurrogate < 0 { token.loneSurrogate = at }
        high = unit & 0xfc00 == 0xd800 ? at : -1
        at &+= 6
        highEnd = at
      } else if byte < 0x20 {
        throw ParseFailure(.malformed, "control-character", at: at)
      } else {
        let length = JSONText.scalarLength(bytes, at)
        if length == 0, token.invalidUTF8 < 0 { token.invalidUTF8 = at }
        at &+= max(1, length)
      }
    }
    throw ParseFailure(.truncated, "string", at: bytes.count)
  }
}
