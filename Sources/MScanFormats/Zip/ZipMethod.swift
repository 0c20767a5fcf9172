import MScanBytes

/// Compression methods of zip members (APPNOTE 6.3.10, section 4.4.5). Python's `zipfile`, and with it `numpy.load`,
/// reads 8, 12, 14 and, from 3.14 on, 93.
enum ZipMethod {
  static func name(_ method: UInt16) -> String {
    switch method {
    case 0: "stored"
    case 8: "deflate"
    case 9: "deflate64"
    case 12: "bzip2"
    case 14: "lzma"
    case 20, 93: "zstd"
    case 95: "xz"
    case 98: "ppmd"
    case 99: "aes"
    default: "method \(method)"
    }
  }

  /// The codec of a member's data, and the data without what the method puts before it; nil for what is not read, and
  /// where the data does not start as the method says.
  static func packed(_ data: ByteSource, _ method: UInt16, size: Int) -> (codec: Codec, source: ByteSource)? {
    switch method {
    case 8: (.deflate, data)
    case 12: marked(data, .bzip2)
    case 14: lzma(data, size: size)
    case 20, 93: marked(data, .zstd)
    case 95: marked(data, .xz)
    default: nil
    }
  }

  private static func marked(_ data: ByteSource, _ codec: Codec) -> (codec: Codec, source: ByteSource)? {
    let isSkippable = codec.hasSkippableFrames && Codec.skippableFrame(in: data, at: 0) != nil
    return isSkippable || Codec.starting(data.prefix(16)) == codec ? (codec, data) : nil
  }

  /// Two bytes of version, two of length, then the properties; the LZMA stream need not have an end of its own.
  private static func lzma(_ data: ByteSource, size: Int) -> (codec: Codec, source: ByteSource)? {
    var cursor = ByteCursor(data.prefix(64))
    guard (try? cursor.skip(2, "version")) != nil, let length = try? cursor.readUInt16("properties size"),
      let properties = try? cursor.slice(length, "properties"), length == 5
    else { return nil }
    let filter = LZMAFilter(id: LZMAFilter.lzma1, properties: Array(properties))
    return (.filters([filter], size: size), data.slice(ByteRange(cursor.offset, data.count)))
  }
}
