/// Eight bytes at a time, for readers whose time goes into texts. A word holds its first byte lowest.
extension Span where Element == UInt8 {
  /// The eight bytes from `offset`; nil when they are not all there.
  @inlinable
  public func word(at offset: Int) -> UInt64? {
    guard offset >= 0, offset <= count &- 8 else { return nil }
    return unsafe UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// Up to seven bytes from `offset`, the others zero; zero behind the end.
  @inlinable
  public func shortWord(at offset: Int, count length: Int) -> UInt64 {
    var word: UInt64 = 0
    var shift: UInt64 = 0
    var at = Swift.max(0, offset)
    let end = Swift.min(count, offset &+ Swift.min(length, 7))
    while at < end {
      word |= UInt64(self[at]) &<< shift
      shift &+= 8
      at &+= 1
    }
    return word
  }

  /// Whether `length` bytes at two places are the same. False when one of them reaches over the end.
  @inlinable
  public func isEqual(_ a: Int, _ b: Int, count length: Int) -> Bool {
    guard a >= 0, b >= 0, length >= 0, a <= count &- length, b <= count &- length else { return false }
    var step = 0
    while step &+ 8 <= length {
      if word(at: a &+ step) != word(at: b &+ step) { return false }
      step &+= 8
    }
    while step < length {
      if self[a &+ step] != self[b &+ step] { return false }
      step &+= 1
    }
    return true
  }

  /// The first byte from `offset` on that is no printable ASCII, or a quote or a backslash; `count` when there is none.
  ///
  /// - Complexity: eight bytes a step.
  @inlinable
  public func endOfPlainText(from offset: Int) -> Int {
    var at = Swift.max(0, offset)
    let low: UInt64 = 0x0101_0101_0101_0101
    let high: UInt64 = 0x8080_8080_8080_8080
    while let word = word(at: at) {
      // Each term has the high bit of the first byte that it is about; of later ones it may err, by the borrow.
      let control = (word &- low &* 0x20) & ~word
      let quote = word ^ low &* 0x22
      let backslash = word ^ low &* 0x5c
      let found = (control | (quote &- low) & ~quote | (backslash &- low) & ~backslash | word) & high
      if found != 0 { return at &+ found.trailingZeroBitCount &>> 3 }
      at &+= 8
    }
    while at < count {
      let byte = self[at]
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5c { return at }
      at &+= 1
    }
    return count
  }

  /// The first byte from `offset` on that is no blank of a JSON text; `count` when there is none.
  @inlinable
  public func endOfBlanks(from offset: Int) -> Int {
    var at = Swift.max(0, offset)
    while at < count {
      let byte = self[at]
      guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return at }
      at &+= 1
      // Indented documents have runs of blanks.
      while let word = word(at: at), word == 0x2020_2020_2020_2020 { at &+= 8 }
    }
    return count
  }
}
