import MScanBytes

/// What a short string says without its escapes. Vocabularies that a program wrote as ASCII have one in every second
/// word, and no memory is asked for any of them.
struct JSONPlainText {
  /// Longest text that is taken. Bytes; 256: no token of a real vocabulary is as long.
  private static let most = 256

  /// Whole words are written, over the end of the text as well.
  private(set) var buffer = [UInt8](repeating: 0, count: most &+ 8)
  /// Bytes of it that are the text.
  private(set) var count = 0

  mutating func removeAll() { count = 0 }

  /// Puts bytes behind the text; none where they do not fit.
  mutating func append(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) {
    guard start >= 0, end >= start, end <= bytes.count, end &- start <= Self.most &- count else { return }
    var length = count
    var span = buffer.mutableSpan
    // Bytes may have any value.
    var text = unsafe span.mutableBytes
    Self.copy(bytes, start, end, into: &text, &length)
    count = length
  }

  /// Takes the string whose text starts at `start` and has its first backslash at `backslash`.
  ///
  /// - Returns: behind the closing quote; nil for a string that is longer, is not closed, or has something in it that is
  ///   worth a word: half of a surrogate pair, the character zero, or what JSON has no place for. Halves that make a pair
  ///   are not taken either.
  mutating func take(_ bytes: Span<UInt8>, from start: Int, backslash: Int) -> Int? {
    count = 0
    var span = buffer.mutableSpan
    // Bytes may have any value.
    var text = unsafe span.mutableBytes
    var length = 0
    var at = start
    var stop = backslash
    while true {
      guard stop &- at <= Self.most &- length else { return nil }
      Self.copy(bytes, at, stop, into: &text, &length)
      guard stop &+ 1 < bytes.count else { return nil }
      if bytes[stop] == 0x22 {
        count = length
        return stop &+ 1
      }
      guard bytes[stop] == 0x5c, length &+ 3 <= Self.most,
        let step = Self.escape(bytes, stop &+ 1, into: &text, &length)
      else { return nil }
      at = stop &+ step
      stop = at < bytes.count && bytes[at] == 0x5c ? at : bytes.endOfStringText(from: at)
    }
  }

  @inline(__always)
  private static func copy(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, into text: inout MutableRawSpan, _ length: inout Int
  ) {
    var at = start
    while at < end, let word = bytes.word(at: at) {
      text.storeBytes(of: word.littleEndian, toByteOffset: length, as: UInt64.self)
      let step = min(8, end &- at)
      length &+= step
      at &+= step
    }
    while at < end {
      text.storeBytes(of: bytes[at], toByteOffset: length, as: UInt8.self)
      length &+= 1
      at &+= 1
    }
  }

  /// - Returns: bytes of the escape, its backslash included.
  @inline(__always)
  private static func escape(
    _ bytes: Span<UInt8>, _ at: Int, into text: inout MutableRawSpan, _ length: inout Int
  ) -> Int? {
    guard bytes[at] == 0x75 else {
      guard let byte = JSONText.simple(bytes[at]) else { return nil }
      text.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
      length &+= 1
      return 2
    }
    guard let unit = JSONText.unit(bytes, at &+ 1), unit != 0, unit & 0xf800 != 0xd800 else { return nil }
    let last = 0x80 | unit & 0x3f
    let word: UInt32
    if unit < 0x80 {
      word = unit
      length &+= 1
    } else if unit < 0x800 {
      word = 0xc0 | unit &>> 6 | last &<< 8
      length &+= 2
    } else {
      word = 0xe0 | unit &>> 12 | (0x80 | unit &>> 6 & 0x3f) &<< 8 | last &<< 16
      length &+= 3
    }
    let width = unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3
    text.storeBytes(of: word.littleEndian, toByteOffset: length &- width, as: UInt32.self)
    return 6
  }
}
