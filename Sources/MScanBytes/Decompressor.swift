import CCodecs
import CZlib

/// What one step of a decompressor did.
struct DecompressionStep {
  enum Status {
    /// Give more input, or take the output and call again.
    case more
    /// The stream is over.
    case end
    case malformed
    case unsupported
    /// It wants more memory than ``Limits/codecBytes``.
    case tooLarge
  }

  var consumed: Int
  var produced: Int
  var status: Status
}

/// A decoder of one stream, fed in pieces.
protocol Decompressor: AnyObject {
  /// Decodes from `input[start...]` into `output`, as much as fits.
  ///
  /// - Parameter isLast: no input follows this one.
  func step(_ input: [UInt8], from start: Int, isLast: Bool, into output: inout [UInt8]) -> DecompressionStep
}

/// DEFLATE, zlib and gzip, through zlib.
@safe final class DeflateDecompressor: Decompressor {
  // zlib keeps the address of the structure it was given.
  private let stream: UnsafeMutablePointer<z_stream>

  init?(windowBits: Int32) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      return nil
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  func step(_ input: [UInt8], from start: Int, isLast: Bool, into output: inout [UInt8]) -> DecompressionStep {
    let (given, room) = (input.count - start, output.count)
    let status = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress.map { unsafe $0 + start })
        unsafe stream.pointee.avail_in = UInt32(truncatingIfNeeded: given)
        unsafe stream.pointee.next_out = target.baseAddress
        unsafe stream.pointee.avail_out = UInt32(truncatingIfNeeded: room)
        return unsafe inflate(stream, Z_NO_FLUSH)
      }
    }
    let left = unsafe (Int(stream.pointee.avail_in), Int(stream.pointee.avail_out))
    let result: DecompressionStep.Status =
      switch status {
      case Z_STREAM_END: .end
      case Z_OK, Z_BUF_ERROR: .more
      case Z_MEM_ERROR: .tooLarge
      default: .malformed
      }
    return DecompressionStep(consumed: given - left.0, produced: room - left.1, status: result)
  }
}

/// bzip2, through libbz2.
@safe final class Bzip2Decompressor: Decompressor {
  private let stream: UnsafeMutablePointer<bz_stream>

  init?() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: bz_stream())
    guard unsafe BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { return nil }
  }

  deinit {
    unsafe BZ2_bzDecompressEnd(stream)
    unsafe stream.deallocate()
  }

  func step(_ input: [UInt8], from start: Int, isLast: Bool, into output: inout [UInt8]) -> DecompressionStep {
    let (given, room) = (input.count - start, output.count)
    let status = unsafe input.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        let bytes = unsafe source.bindMemory(to: CChar.self).baseAddress.map { unsafe $0 + start }
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes)
        unsafe stream.pointee.avail_in = UInt32(truncatingIfNeeded: given)
        unsafe stream.pointee.next_out = target.bindMemory(to: CChar.self).baseAddress
        unsafe stream.pointee.avail_out = UInt32(truncatingIfNeeded: room)
        return unsafe BZ2_bzDecompress(stream)
      }
    }
    let left = unsafe (Int(stream.pointee.avail_in), Int(stream.pointee.avail_out))
    let result: DecompressionStep.Status =
      switch status {
      case BZ_STREAM_END: .end
      case BZ_OK: .more
      case BZ_MEM_ERROR: .tooLarge
      default: .malformed
      }
    return DecompressionStep(consumed: given - left.0, produced: room - left.1, status: result)
  }
}
