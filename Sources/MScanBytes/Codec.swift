/// A compression that a stream of bytes can have. What is decoded with it, and how much, is ``Decompression``'s.
public enum Codec: Sendable, Hashable {
  /// RFC 1951, as zip members have it; RFC 1950; RFC 1952.
  case deflate, zlib, gzip
  case bzip2
  /// The `.xz` container, and the older `.lzma` file (`FORMAT_ALONE` in Python).
  case xz, lzma
  /// RFC 8878.
  case zstd
  /// The LZ4 frame format, and the one that came before it.
  case lz4, lz4Legacy
  /// Filters of liblzma without a container, in the order of the encoder; `size` is what the last LZMA1 stream decodes
  /// to, since it need not have an end of its own.
  case filters([LZMAFilter], size: Int)

  /// The word for it in facts.
  public var name: String {
    switch self {
    case .deflate: "deflate"
    case .zlib: "zlib"
    case .gzip: "gzip"
    case .bzip2: "bzip2"
    case .xz: "xz"
    case .lzma: "lzma"
    case .zstd: "zstd"
    case .lz4, .lz4Legacy: "lz4"
    case .filters: "lzma"
    }
  }

  /// What a failure names.
  var field: StaticString {
    switch self {
    case .deflate, .zlib, .gzip: "DEFLATE"
    case .bzip2: "bzip2"
    case .xz: "xz"
    case .lzma, .filters: "LZMA"
    case .zstd: "zstd"
    case .lz4, .lz4Legacy: "LZ4"
    }
  }

  func makeDecompressor(codecBytes: Int) -> (any Decompressor)? {
    switch self {
    case .deflate: DeflateDecompressor(windowBits: -15)
    case .zlib: DeflateDecompressor(windowBits: 15)
    case .gzip: DeflateDecompressor(windowBits: 31)
    case .bzip2: Bzip2Decompressor()
    case .xz: LZMADecompressor(.xz, codecBytes: codecBytes)
    case .lzma: LZMADecompressor(.alone, codecBytes: codecBytes)
    case .filters(let filters, let size): LZMADecompressor(.raw(filters, size: size), codecBytes: codecBytes)
    case .zstd: ZstdDecompressor()
    case .lz4: LZ4Decompressor()
    case .lz4Legacy: LZ4LegacyDecompressor()
    }
  }
}

/// One filter of liblzma: its id there, and its properties as archives store them.
public struct LZMAFilter: Sendable, Hashable {
  public var id: UInt64
  public var properties: [UInt8]

  public init(id: UInt64, properties: [UInt8]) {
    self.id = id
    self.properties = properties
  }

  public static let lzma1: UInt64 = 0x4000_0000_0000_0001
  public static let lzma2: UInt64 = 0x21
}

// MARK: - What stands at a place

extension Codec {
  private static let gzipMark: [UInt8] = [0x1f, 0x8b]
  private static let xzMark: [UInt8] = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]
  private static let zstdMark: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]
  private static let lz4Mark: [UInt8] = [0x04, 0x22, 0x4d, 0x18]
  private static let lz4LegacyMark: [UInt8] = [0x02, 0x21, 0x4c, 0x18]

  /// The compression whose stream starts with `head`; nil when it is none with a mark of its own.
  ///
  /// A `.lzma` file has none: it counts when its properties, its dictionary and its size are ones that liblzma takes.
  public static func starting(_ head: [UInt8]) -> Codec? {
    if head.starts(with: gzipMark) { return .gzip }
    if isBzip2(head) { return .bzip2 }
    if head.starts(with: xzMark) { return .xz }
    if head.starts(with: zstdMark) { return .zstd }
    if head.starts(with: lz4Mark) { return .lz4 }
    if head.starts(with: lz4LegacyMark) { return .lz4Legacy }
    return isLZMAAlone(head) ? .lzma : nil
  }

  /// `BZh`, the block size, and the mark of a block or of the end.
  private static func isBzip2(_ head: [UInt8]) -> Bool {
    guard head.count >= 10, head.starts(with: [0x42, 0x5a, 0x68]), (0x31...0x39).contains(head[3]) else { return false }
    return head[4..<10].elementsEqual([0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
      || head[4..<10].elementsEqual([0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
  }

  /// The 13 bytes of a `.lzma` header: properties, dictionary, decoded size; then the range coder's first byte, 0.
  private static func isLZMAAlone(_ head: [UInt8]) -> Bool {
    guard head.count >= 14, head[0] < 225, head[13] == 0 else { return false }
    let literal = Int(head[0]) % 9 + Int(head[0]) / 9 % 5
    guard literal <= 4 else { return false }
    let dictionary = (1...4).reduce(UInt32(0)) { $0 | UInt32(head[$1]) << (8 * UInt32($1 &- 1)) }
    // 2^n or 2^n + 2^(n-1), as liblzma has it; smaller ones than any writer makes are left to chance bytes.
    guard dictionary == .max || dictionary >= 4096 && isSumOfTwoPowers(dictionary) else { return false }
    return head[5..<13].allSatisfy { $0 == 0xff }
      || head[10..<13].allSatisfy { $0 == 0 } && head[5..<10].contains { $0 != 0 }
  }

  private static func isSumOfTwoPowers(_ value: UInt32) -> Bool {
    let low = value & (~value &+ 1)
    return value == low || value == low &+ (low << 1)
  }

  /// The bytes of the skippable frame at `offset`, header and all, as zstd and LZ4 share them: the mark `50` to `5f`
  /// `2a 4d 18`, a length of four bytes, and as many bytes that no decoder shows. The range may pass the end.
  public static func skippableFrame(in source: ByteSource, at offset: Int) -> ByteRange? {
    let head = source.prefix(8, at: offset)
    guard head.count == 8 else { return nil }
    return skippableFrame(head, at: offset)
  }

  static func skippableFrame(_ head: some RandomAccessCollection<UInt8>, at offset: Int) -> ByteRange? {
    let bytes = Array(head.prefix(8))
    guard bytes.count == 8, bytes[0] & 0xf0 == 0x50, bytes[1] == 0x2a, bytes[2] == 0x4d, bytes[3] == 0x18 else {
      return nil
    }
    let length = (4...7).reduce(0) { $0 | Int(bytes[$1]) << (8 * ($1 &- 4)) }
    return ByteRange(at: offset, count: length &+ 8)
  }

  /// Whether frames may stand in the stream that hold nothing of it.
  public var hasSkippableFrames: Bool { self == .zstd || self == .lz4 || self == .lz4Legacy }

  /// Whether zeros may stand between two streams, as Python's `gzip` skips them and `.xz` pads with them.
  var allowsPadding: Bool { self == .gzip || self == .xz }

  /// The codec of a further stream behind one of this, as the readers in Python go on; nil where they stop.
  func following(_ head: [UInt8]) -> Codec? {
    guard let next = Self.starting(head) else { return nil }
    switch (self, next) {
    case (.gzip, .gzip), (.bzip2, .bzip2), (.zstd, .zstd): return next
    case (.xz, .xz), (.xz, .lzma), (.lzma, .xz), (.lzma, .lzma): return next
    case (.lz4, .lz4), (.lz4, .lz4Legacy), (.lz4Legacy, .lz4), (.lz4Legacy, .lz4Legacy): return next
    default: return nil
    }
  }
}
