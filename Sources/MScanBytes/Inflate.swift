import CZlib

/// DEFLATE (RFC 1951) and its zlib and gzip wrappers, through zlib, with a bound on what comes out.
public enum Inflate {
  public enum Wrapper: Sendable { case raw, zlib, gzip }

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
    var output = Output(bytes: [], consumed: 0, failure: nil)
    var stream = unsafe z_stream()
    let bits: Int32 =
      switch wrapper {
      case .raw: -15
      case .zlib: 15
      case .gzip: 31
      }
    guard unsafe inflateInit2_(&stream, bits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      output.failure = ParseFailure(.unsupported, "DEFLATE", at: 0)
      return output
    }
    defer { unsafe inflateEnd(&stream) }
    var input: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      guard source.read(at: output.consumed, count: 1 << 16, into: &input) > 0 else {
        output.failure = ParseFailure(.truncated, "DEFLATE", at: output.consumed)
        return output
      }
      let before = output.consumed
      if unsafe step(&stream, &input, &piece, limit: limit, ratio: ratio, &output) { return output }
      guard output.consumed > before else {
        output.failure = ParseFailure(.malformed, "DEFLATE", at: output.consumed)
        return output
      }
    }
  }

  /// Feeds one piece of input. Returns whether the stream is over, for good or ill.
  private static func step(
    _ stream: inout z_stream, _ input: inout [UInt8], _ piece: inout [UInt8], limit: Int, ratio: Int,
    _ output: inout Output
  ) -> Bool {
    let count = input.count
    return unsafe input.withUnsafeMutableBufferPointer { source in
      unsafe stream.next_in = source.baseAddress
      unsafe stream.avail_in = UInt32(truncatingIfNeeded: count)
      let start = output.consumed
      while true {
        let room = piece.count
        let status = unsafe piece.withUnsafeMutableBufferPointer { target in
          unsafe stream.next_out = target.baseAddress
          unsafe stream.avail_out = UInt32(truncatingIfNeeded: room)
          return unsafe inflate(&stream, Z_NO_FLUSH)
        }
        let got = unsafe room - Int(stream.avail_out)
        output.consumed = unsafe start + count - Int(stream.avail_in)
        output.bytes.append(contentsOf: piece[..<got])
        if output.bytes.count > limit {
          output.bytes.removeLast(output.bytes.count - limit)
          output.failure = ParseFailure(.limitExceeded, "memberBytes", at: output.consumed)
          return true
        }
        if output.bytes.count > 1 << 20, output.bytes.count / max(1, output.consumed) >= ratio {
          output.failure = ParseFailure(.limitExceeded, "expansionRatio", at: output.consumed)
          return true
        }
        switch status {
        case Z_STREAM_END: return true
        case Z_OK where unsafe stream.avail_in > 0 || stream.avail_out == 0: continue
        case Z_OK, Z_BUF_ERROR: return false
        default:
          output.failure = ParseFailure(.malformed, "DEFLATE", at: output.consumed)
          return true
        }
      }
    }
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
