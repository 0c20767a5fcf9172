import MScanBytes
import Testing

@Suite struct DecompressionTests {
  private static let plain = CompressedSamples.plain

  private func decode(_ bytes: [UInt8], _ codec: Codec, limit: Int = 1 << 20) -> Decompression.Output {
    var bounds = Decompression.Bounds(.standard)
    (bounds.bytes, bounds.field) = (limit, "memberBytes")
    return Decompression.decode(ByteSource(bytes), codec, bounds: bounds)
  }

  private func text(_ output: Decompression.Output) -> [UInt8] { output.source.prefix(output.source.count) }

  @Test(arguments: CompressedSamples.all) func decodes(bytes: [UInt8], codec: Codec) {
    let output = decode(bytes, codec)
    #expect(text(output) == Self.plain)
    #expect(output.failure == nil)
    #expect(output.consumed == bytes.count)
    #expect(Codec.starting(bytes) == codec)
  }

  /// Of the old LZ4 format, a file that ends between two blocks is whole.
  @Test(arguments: CompressedSamples.all) func everyPrefixIsTruncated(bytes: [UInt8], codec: Codec) {
    for count in bytes.indices {
      let output = decode(Array(bytes[..<count]), codec)
      if codec == .lz4Legacy, count == 4 {
        #expect(output.failure == nil)
      } else {
        #expect(output.failure?.reason == .truncated, "\(count) bytes of \(codec)")
      }
      #expect(Self.plain.starts(with: text(output)))
    }
  }

  @Test(arguments: CompressedSamples.all + [(CompressedSamples.filtered, filters)])
  func everyChangeEnds(bytes: [UInt8], codec: Codec) {
    for index in bytes.indices {
      for value in [0, 0xff, bytes[index] ^ 1, bytes[index] ^ 0x80] as [UInt8] {
        var changed = bytes
        changed[index] = value
        let output = decode(changed, codec, limit: 64)
        #expect(output.source.count <= 64)
        #expect(output.consumed <= changed.count)
      }
    }
  }

  static let filters = Codec.filters(
    [LZMAFilter(id: 4, properties: []), LZMAFilter(id: LZMAFilter.lzma2, properties: [16])], size: 45)

  @Test func filtersWithoutContainer() {
    let output = decode(CompressedSamples.filtered, Self.filters)
    #expect(text(output) == Self.plain + Self.plain + Self.plain)
    #expect(output.failure == nil)
    let unknown = Codec.filters([LZMAFilter(id: 99, properties: [])], size: 1)
    #expect(decode([1, 2, 3], unknown).failure?.reason == .unsupported)
    let empty = Codec.filters([], size: 1)
    #expect(decode([1, 2, 3], empty).failure?.reason == .unsupported)
  }

  @Test(arguments: CompressedSamples.all) func streamsBehindOneAnother(bytes: [UInt8], codec: Codec) {
    let output = decode(bytes + bytes, codec)
    #expect(output.failure == nil)
    #expect(text(output) == Self.plain + Self.plain)
    #expect(output.laterStreams == [bytes.count])
  }

  @Test(arguments: CompressedSamples.all) func whatFollowsIsNotUsed(bytes: [UInt8], codec: Codec) {
    let tail: [UInt8] = [0xff, 0xfe, 0xfd, 0xfc, 1, 2, 3]
    let output = decode(bytes + tail, codec)
    #expect(text(output) == Self.plain)
    #expect(output.consumed == bytes.count)
    #expect(output.failure == nil)
  }

  @Test func onlyTheStartOfAFurtherStream() {
    let output = decode(CompressedSamples.bzip2 + [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59], .bzip2)
    #expect(text(output) == Self.plain)
    #expect(output.failure?.reason == .truncated)
    let broken = decode(CompressedSamples.zstd + [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 7, 0, 0, 1, 2], .zstd)
    #expect(broken.consumed == CompressedSamples.zstd.count)
    #expect(broken.failure == nil)
  }

  @Test func paddingBetweenStreams() {
    let zeros = [UInt8](repeating: 0, count: 8)
    let output = decode(CompressedSamples.xz + zeros + CompressedSamples.xz + zeros, .xz)
    #expect(text(output) == Self.plain + Self.plain)
    #expect(output.consumed == CompressedSamples.xz.count * 2 + 16)
    #expect(decode(CompressedSamples.bzip2 + zeros, .bzip2).consumed == CompressedSamples.bzip2.count)
  }

  @Test func anOldFileBehindANewOne() {
    #expect(text(decode(CompressedSamples.xz + CompressedSamples.lzma, .xz)) == Self.plain + Self.plain)
    #expect(text(decode(CompressedSamples.lz4Legacy + CompressedSamples.lz4, .lz4Legacy)) == Self.plain + Self.plain)
  }

  @Test(arguments: [(CompressedSamples.zstd, Codec.zstd), (CompressedSamples.lz4, .lz4)])
  func skippableFrames(bytes: [UInt8], codec: Codec) {
    let frame: [UInt8] = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]
    let output = decode(frame + bytes + frame + bytes + frame, codec)
    #expect(text(output) == Self.plain + Self.plain)
    #expect(output.failure == nil)
    #expect(output.skipped.map(\.start) == [0, 11 + bytes.count, 22 + 2 * bytes.count])
    #expect(output.consumed == 33 + 2 * bytes.count)
    #expect(decode(Array((bytes + frame).dropLast()), codec).failure?.reason == .truncated)
    #expect(decode(frame, codec).failure == nil)
  }

  @Test(arguments: CompressedSamples.all) func outputIsBounded(bytes: [UInt8], codec: Codec) {
    let output = decode(bytes, codec, limit: 4)
    #expect(text(output) == Array(Self.plain.prefix(4)))
    #expect(output.failure.map { $0.reason == .limitExceeded && $0.fieldName == "memberBytes" } == true)
  }

  @Test func manyStreamsAreBounded() {
    var limits = Limits.standard
    limits.members = 10
    let many = [[UInt8]](repeating: CompressedSamples.zstd, count: 20).flatMap(\.self)
    let output = Decompression.decode(ByteSource(many), .zstd, bounds: Decompression.Bounds(limits))
    #expect(output.failure?.fieldName == "members")
  }

  @Test func memoryOfADecoderIsBounded() {
    var limits = Limits.standard
    limits.codecBytes = 1 << 16
    for (bytes, codec) in [(CompressedSamples.xz, Codec.xz), (CompressedSamples.filtered, Self.filters)] {
      let output = Decompression.decode(ByteSource(bytes), codec, bounds: Decompression.Bounds(limits))
      #expect(output.failure?.fieldName == "codecBytes")
    }
  }

  @Test(arguments: ["import os\n", "]\0 is a list", "BZh is not bzip2", "version 1.0 of the model, as text"])
  func proseIsNoCodec(text: String) { #expect(Codec.starting(Array(text.utf8)) == nil) }
}
