import MScanBytes
import Testing

/// `hello` and a stream of a mebibyte and a half of zeros, as zlib 1.2.13 writes them.
@Suite struct InflateTests {
  static let hello = Array("hello".utf8)
  static let raw: [UInt8] = [0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]
  static let zlib: [UInt8] = [0x78, 0x9c] + raw + [0x06, 0x2c, 0x02, 0x15]
  static let gzip: [UInt8] =
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3] + raw + [0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0]

  /// A block of 65,535 zeros and its end, as stored DEFLATE: no expansion at all.
  static func stored(_ count: Int) -> [UInt8] {
    var out: [UInt8] = []
    var left = count
    repeat {
      let piece = min(left, 0xffff)
      left -= piece
      out += [left == 0 ? 1 : 0, UInt8(piece & 0xff), UInt8(piece >> 8), ~UInt8(piece & 0xff), ~UInt8(piece >> 8)]
      out += [UInt8](repeating: 0, count: piece)
    } while left > 0
    return out
  }

  /// Fixed Huffman codes: a zero, then `runs` copies of 258 zeros, about 1 bit in 160 bytes.
  static func zeros(_ runs: Int) -> [UInt8] {
    var bits: [Bool] = [true, true, false]
    func put(_ code: UInt, _ width: Int) { for bit in (0..<width).reversed() { bits.append(code >> bit & 1 == 1) } }
    put(0x30, 8)
    for _ in 0..<runs {
      put(0b1100_0101, 8)
      put(0, 5)
    }
    put(0, 7)
    return stride(from: 0, to: bits.count, by: 8).map { start in
      (0..<8).reduce(UInt8(0)) { byte, bit in
        start + bit < bits.count && bits[start + bit] ? byte | 1 << UInt8(bit) : byte
      }
    }
  }

  @Test(arguments: [(raw, Inflate.Wrapper.raw), (zlib, .zlib), (gzip, .gzip)])
  func decodes(bytes: [UInt8], wrapper: Inflate.Wrapper) {
    let output = Inflate.decode(ByteSource(bytes + [9, 9, 9]), wrapper, limit: 100)
    #expect(output.bytes == Self.hello)
    #expect(output.failure == nil)
    #expect(output.consumed == bytes.count, "what follows the stream is not used")
  }

  @Test(arguments: [(raw, Inflate.Wrapper.raw), (zlib, .zlib), (gzip, .gzip)])
  func everyPrefixIsTruncated(bytes: [UInt8], wrapper: Inflate.Wrapper) {
    for count in bytes.indices {
      let output = Inflate.decode(ByteSource(Array(bytes[..<count])), wrapper, limit: 100)
      #expect(output.failure?.reason == .truncated, "\(count) bytes")
      #expect(Self.hello.starts(with: output.bytes))
    }
  }

  @Test(arguments: [(raw, Inflate.Wrapper.raw), (zlib, .zlib), (gzip, .gzip)])
  func everyChangeEnds(bytes: [UInt8], wrapper: Inflate.Wrapper) {
    for index in bytes.indices {
      for value in UInt8.min...UInt8.max {
        var changed = bytes
        changed[index] = value
        let output = Inflate.decode(ByteSource(changed), wrapper, limit: 64)
        #expect(output.bytes.count <= 64)
        #expect(output.consumed <= changed.count)
      }
    }
  }

  @Test func wrongChecksumsAreMalformed() {
    for (bytes, wrapper) in [(Self.zlib, Inflate.Wrapper.zlib), (Self.gzip, .gzip)] {
      var changed = bytes
      changed[changed.count - 6] ^= 1
      #expect(Inflate.decode(ByteSource(changed), wrapper, limit: 100).failure?.reason == .malformed)
    }
  }

  @Test(arguments: [0, 4, 5, 6]) func theLimitHoldsToTheByte(limit: Int) {
    let output = Inflate.decode(ByteSource(Self.raw), .raw, limit: limit)
    #expect(output.bytes == Array(Self.hello.prefix(limit)))
    #expect(output.failure == (limit < 5 ? ParseFailure(.limitExceeded, "memberBytes", at: output.consumed) : nil))
  }

  @Test func theRatioHoldsAboveAMebibyte() {
    let small = Inflate.decode(ByteSource(Self.zeros(4000)), .raw, limit: 8 << 20, ratio: 10)
    #expect(small.failure == nil)
    #expect(small.bytes.count == 1 + 4000 * 258)
    let large = Inflate.decode(ByteSource(Self.zeros(20_000)), .raw, limit: 8 << 20, ratio: 100)
    #expect(large.failure.map { $0.reason == .limitExceeded && $0.fieldName == "expansionRatio" } == true)
    #expect(large.bytes.count < 2 << 20, "it stops soon after it is over")
    let plain = Inflate.decode(ByteSource(Self.stored(2 << 20)), .raw, limit: 8 << 20, ratio: 2)
    #expect(plain.failure == nil)
    #expect(plain.bytes.count == 2 << 20)
  }

  @Test func checksums() {
    #expect(Inflate.crc32(Self.hello) == 0x3610_a686)
    #expect(Inflate.crc32([]) == 0)
    let long = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(Inflate.crc32(long) == Inflate.crc32(ByteSource(long)))
  }
}
