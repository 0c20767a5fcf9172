import MScanBytes
import Testing

/// What is read eight bytes at a time says the same as a reader of single ones.
@Suite struct ByteWordsTests {
  /// Pieces that strings are put together from: ASCII, scalars of each length, and what is none of UTF-8.
  static let pieces: [[UInt8]] = [
    Array("a".utf8), Array("plain ".utf8), Array("é".utf8), Array("ß".utf8), Array("漢字".utf8), Array("한".utf8),
    Array("ﬀ".utf8), Array("😀".utf8), Array("\u{0800}".utf8), Array("\u{d7ff}".utf8), Array("\u{10ffff}".utf8),
    Array("\u{7f}".utf8),
  ]
  static let ends: [[UInt8]] = [
    Array("\"".utf8), Array("\\".utf8), [0x1f], [0x00], [0x0a], [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x9f, 0x80],
    [0xed, 0xa0, 0x80], [0xf0, 0x8f, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5], [0xff], [0xe6], [0xe6, 0xbc],
    [0xc3],
    [0xf0, 0x9f, 0x98], [],
  ]

  /// By the definition, a scalar at a time.
  private static func end(_ bytes: [UInt8]) -> Int {
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      if byte < 0x20 || byte == 0x22 || byte == 0x5c { return at }
      let length = bytes.span.scalarLength(at: at)
      if length == 0 { return at }
      at += length
    }
    return bytes.count
  }

  @Test func stringsEndWhereTheyDo() {
    var state: UInt64 = 17
    func draw(_ below: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % below
    }
    for round in 0..<20_000 {
      var text: [UInt8] = []
      for _ in 0..<draw(14) { text += Self.pieces[draw(Self.pieces.count)] }
      text += Self.ends[round % Self.ends.count]
      for _ in 0..<draw(9) { text += Self.pieces[draw(Self.pieces.count)] }
      #expect(text.span.endOfStringText(from: 0) == Self.end(text), "\(text)")
      let plain = text.firstIndex { $0 < 0x20 || $0 >= 0x80 || $0 == 0x22 || $0 == 0x5c } ?? text.count
      #expect(text.span.endOfPlainText(from: 0) == plain, "\(text)")
    }
  }

  @Test func numbersAreWhatTheySay() {
    let ends: [[UInt8]] = [
      Array(",  \n    ".utf8), Array("}}}}}}}}".utf8), Array("/:;e.-+a".utf8), Array(repeating: 0xff, count: 8),
    ]
    for number in [0, 1, 9, 10, 19, 90, 99, 100, 4095, 65_536, 123_456, 999_999, 1_000_000, 7_654_321, 9_999_999] {
      let digits = Array(String(number).utf8)
      for end in ends {
        let read = (digits + end).span.shortNumber(at: 0)
        #expect(read.value == number && read.digits == digits.count)
      }
      #expect(digits.span.shortNumber(at: 0).digits == 0)
    }
    #expect(Array("12345678901".utf8).span.shortNumber(at: 0).digits == 0)
    for byte in UInt8.min...UInt8.max {
      let read = ([byte] + Array(",,,,,,,,".utf8)).span.shortNumber(at: 0)
      #expect(read.digits == (0x30...0x39 ~= byte ? 1 : 0))
    }
  }

  @Test func scalarsAreThoseOfUnicode() {
    for value in UInt32(0)...0x10_ffff {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let bytes = Array(String(scalar).utf8)
      if bytes.span.scalarLength(at: 0) != bytes.count { Issue.record("U+\(String(value, radix: 16))") }
    }
    for end in Self.ends.dropFirst(5) where !end.isEmpty { #expect(end.span.scalarLength(at: 0) == 0, "\(end)") }
  }
}
