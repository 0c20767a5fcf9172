import CZlib

/// DEFLATE (RFC 1951) and its zlib and gzip wrappers in memory, one stream, with a bound on what comes out.
public enum Inflate {
  public enum Wrapper: Sendable {
    case raw, zlib, gzip

    var codec: Codec {
      switch self {
      case .raw: .deflate
      case .zlib: .zlib
      case .gzip: .gzip
      }
    }
  }

  /// What was decoded. With a failure, the bytes before it.
  public struct Output: Sendable {
    public var bytes: [UInt8]
    /// Encoded bytes used.
    public var consumed: Int
    public var failure: ParseFailure?
  }

  /// Decodes a source.
  ///
  /// - Parameters:
  ///   - limit: bytes of output at the most; one more is the failure `limitExceeded`, field `memberBytes`.
  ///   - ratio: output over input, held once the output passes one mebibyte; field `expansionRatio`.
  /// - Returns: the output, with `truncated` when the input ends early and `malformed` when it is not DEFLATE.
  public static func decode(_ source: ByteSource, _ wrapper: Wrapper, limit: Int, ratio: Int = .max) -> Output {
    var bounds = Decompression.Bounds(.standard)
    (bounds.bytes, bounds.field, bounds.ratio) = (limit, "memberBytes", ratio)
    (bounds.spoolBytes, bounds.heldBytes) = (limit, limit)
    let output = Decompression.decode(source, wrapper.codec, bounds: bounds, all: false)
    return Output(
      bytes: output.source.prefix(output.source.count), consumed: output.consumed, failure: output.failure)
  }

  /// CRC-32 as zip and gzip use it.
  public static func crc32(_ bytes: [UInt8]) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe UInt32(truncatingIfNeeded: CZlib.crc32_z(0, buffer.baseAddress, buffer.count))
    }
  }

  /// CRC-32 of a whole source, read in pieces.
  public static func crc32(_ source: ByteSource) -> UInt32 {
    var sum: UInt = 0
    var at = 0
    var piece: [UInt8] = []
    while source.read(at: at, count: 1 << 18, into: &piece) > 0 {
      at += piece.count
      sum = unsafe piece.withUnsafeBufferPointer { unsafe CZlib.crc32_z(sum, $0.baseAddress, $0.count) }
    }
    return UInt32(truncatingIfNeeded: sum)
  }
}
