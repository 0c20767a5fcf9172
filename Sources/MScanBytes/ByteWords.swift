/// Eight bytes at a time, for readers whose time goes into texts. A word holds its first byte lowest.
extension Span where Element == UInt8 {
  /// The eight bytes from `offset`; nil when they are not all there.
  @inlinable
  public func word(at offset: Int) -> UInt64? {
    guard offset >= 0, offset <= count &- 8 else { return nil }
    return unsafe UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// Up to eight bytes from `offset`, the others zero; zero when they are not all there or none is asked for.
  @inlinable
  public func word(at offset: Int, count length: Int) -> UInt64 {
    length >= 8 ? word(at: offset) ?? 0 : shortWord(at: offset, count: length)
  }

  /// Up to seven bytes from `offset`, the others zero; zero behind the end.
  @inlinable
  public func shortWord(at offset: Int, count length: Int) -> UInt64 {
    guard length > 0, length < 8 else { return 0 }
    let mask = UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- length &* 8)
    if let word = word(at: offset) { return word & mask }
    var word: UInt64 = 0
    var shift: UInt64 = 0
    var at = Swift.max(0, offset)
    let end = Swift.min(count, offset &+ length)
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

  /// The first byte from `offset` on that a JSON string cannot hold as it is: a quote, a backslash, a control character, or
  /// one that starts no scalar of UTF-8; `count` when there is none.
  ///
  /// - Complexity: eight bytes a step until the end is found, then the same over what is no ASCII.
  @inlinable
  public func endOfStringText(from offset: Int) -> Int {
    var at = Swift.max(0, offset)
    // Most words of a vocabulary end within sixteen bytes. Which eight hold the end is not asked by a branch: nothing
    // foretells it.
    if let first = word(at: at), let second = word(at: at &+ 8) {
      let (head, tail) = (Self.stringEnds(first), Self.stringEnds(second))
      if head | tail != 0 {
        let end = at &+ (head != 0 ? head.trailingZeroBitCount : 64 &+ tail.trailingZeroBitCount) &>> 3
        let inSecond: UInt64 = head != 0 ? 0 : second & (tail &- 1)
        let inFirst = head != 0 ? first & (head &- 1) : first
        if (inFirst | inSecond) & 0x8080_8080_8080_8080 == 0 { return end }
        return endOfScalars(from: at, to: end)
      }
    }
    // The first word with a byte that is no ASCII.
    var wide = -1
    while let word = word(at: at) {
      let found = Self.stringEnds(word)
      if wide < 0, word & 0x8080_8080_8080_8080 != 0 { wide = at }
      if found != 0 {
        at &+= found.trailingZeroBitCount &>> 3
        return wide < 0 || wide >= at ? at : endOfScalars(from: wide, to: at)
      }
      at &+= 8
    }
    while at < count {
      let byte = self[at]
      if byte < 0x20 || byte == 0x22 || byte == 0x5c { break }
      if wide < 0, byte >= 0x80 { wide = at }
      at &+= 1
    }
    return wide < 0 ? at : endOfScalars(from: wide, to: at)
  }

  /// The high bit of the first byte that a string does not hold as it is; of later ones it may err, by the borrow.
  @inlinable @inline(__always)
  static func stringEnds(_ word: UInt64) -> UInt64 {
    let low: UInt64 = 0x0101_0101_0101_0101
    let control = (word &- low &* 0x20) & ~word
    let quote = word ^ low &* 0x22
    let backslash = word ^ low &* 0x5c
    return (control | (quote &- low) & ~quote | (backslash &- low) & ~backslash) & 0x8080_8080_8080_8080
  }

  /// The digits from `offset` on, up to seven of them, as a number; 0 digits when none is there or eight bytes are not.
  ///
  /// - Complexity: one step.
  @inlinable @inline(__always)
  public func shortNumber(at offset: Int) -> (value: Int, digits: Int) {
    guard let word = word(at: offset) else { return (0, 0) }
    let low: UInt64 = 0x0101_0101_0101_0101
    let digit = word ^ low &* 0x30
    // No sum goes over a byte's end, so that none errs.
    let rest: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    let other = ((digit & rest &+ low &* 0x76) | digit) & ~rest
    let digits = other.trailingZeroBitCount &>> 3
    guard digits > 0, digits < 8 else { return (0, 0) }
    // To the high end, with zeros before: tens and ones, then hundreds, then ten thousands.
    let number = digit &<< UInt64(truncatingIfNeeded: 64 &- digits &* 8)
    let pairs = (number &* 10 &+ number &>> 8) & 0x00ff_00ff_00ff_00ff
    let fours = (pairs &* 100 &+ pairs &>> 16) & 0x0000_ffff_0000_ffff
    let eights = (fours &* 10_000 &+ fours &>> 32) & 0x0000_0000_ffff_ffff
    return (Int(truncatingIfNeeded: eights), digits)
  }

  /// The first byte of a range that starts no scalar of UTF-8; `end` when all do. The range is within the bytes, and one
  /// of ASCII or none stands at its end.
  @inlinable
  func endOfScalars(from start: Int, to end: Int) -> Int {
    var at = start
    while at < end {
      if let word = word(at: at) {
        let ascii = (word & 0x8080_8080_8080_8080).trailingZeroBitCount &>> 3
        if ascii > 0 {
          at &+= ascii
          continue
        }
        // Two of three bytes each, without the leads that allow but a part of what follows.
        if word & 0xc0c0_f0c0_c0f0 == 0x8080_e080_80e0 {
          let (first, second) = (word & 0x0f, word &>> 24 & 0x0f)
          if first != 0, first != 0x0d, second != 0, second != 0x0d {
            at &+= 6
            continue
          }
        }
        // One of two bytes, as the letters of most alphabets are.
        if word & 0xc0e0 == 0x80c0, word & 0x1e != 0 {
          at &+= 2
          continue
        }
      }
      let length = scalarLength(at: at)
      guard length > 0 else { return at }
      at &+= length
    }
    return end
  }

  /// Bytes of the UTF-8 scalar at `offset`; 0 if it is not one (overlong, surrogate, cut, past U+10FFFF).
  public func scalarLength(at offset: Int) -> Int {
    guard offset >= 0, offset < count else { return 0 }
    let first = self[offset]
    let length: Int
    var low: UInt8 = 0x80
    var high: UInt8 = 0xbf
    switch first {
    case 0..<0x80: return 1
    case 0xc2...0xdf: length = 2
    case 0xe0: (length, low) = (3, 0xa0)
    case 0xed: (length, high) = (3, 0x9f)
    case 0xe1...0xef: length = 3
    case 0xf0: (length, low) = (4, 0x90)
    case 0xf4: (length, high) = (4, 0x8f)
    case 0xf1...0xf3: length = 4
    default: return 0
    }
    guard offset &+ length <= count, self[offset &+ 1] >= low, self[offset &+ 1] <= high else { return 0 }
    for step in (offset &+ 2)..<Swift.max(offset &+ 2, offset &+ length) where self[step] & 0xc0 != 0x80 { return 0 }
    return length
  }

  /// The first byte from `offset` on that is no blank of a JSON text; `count` when there is none.
  @inlinable
  public func endOfBlanks(from offset: Int) -> Int {
    var at = Swift.max(0, offset)
    while at < count {
      let byte = self[at]
      guard byte <= 0x20 else { return at }
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return at }
      at &+= 1
      // Behind a line end or a first blank stand the spaces that indent, eight at a time.
      while let word = word(at: at) {
        let other = word ^ 0x2020_2020_2020_2020
        if other == 0 {
          at &+= 8
          continue
        }
        at &+= other.trailingZeroBitCount &>> 3
        break
      }
    }
    return Swift.min(at, count)
  }

  /// The first `byte` from `offset` on; `count` when there is none.
  ///
  /// - Complexity: eight bytes a step.
  @inlinable
  public func first(_ byte: UInt8, from offset: Int) -> Int {
    var at = Swift.max(0, offset)
    let low: UInt64 = 0x0101_0101_0101_0101
    let pattern = low &* UInt64(byte)
    while let word = word(at: at) {
      let other = word ^ pattern
      // The high bit of the first one that is there; of later ones it may err, by the borrow.
      let found = (other &- low) & ~other & 0x8080_8080_8080_8080
      if found != 0 { return at &+ found.trailingZeroBitCount &>> 3 }
      at &+= 8
    }
    while at < count, self[at] != byte { at &+= 1 }
    return Swift.min(at, count)
  }

  /// Lines that end in `range`, and where the last of them does; -1 when none does.
  @inlinable
  public func lineEnds(from start: Int, to end: Int) -> (count: Int, last: Int) {
    var at = Swift.max(0, start)
    let stop = Swift.min(end, count)
    let low: UInt64 = 0x0101_0101_0101_0101
    let rest: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    var (lines, last) = (0, -1)
    while at &+ 8 <= stop, let word = word(at: at) {
      let other = word ^ low &* 0x0a
      let ends = ~(((other & rest) &+ rest) | other) & ~rest
      if ends != 0 {
        lines &+= ends.nonzeroBitCount
        last = at &+ 7 &- ends.leadingZeroBitCount &>> 3
      }
      at &+= 8
    }
    while at < stop {
      if self[at] == 0x0a {
        lines &+= 1
        last = at
      }
      at &+= 1
    }
    return (lines, last)
  }
}
