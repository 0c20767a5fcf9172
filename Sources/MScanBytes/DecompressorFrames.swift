import CCodecs

/// zstd, through libzstd; one frame.
@safe final class ZstdDecompressor: Decompressor {
  private let stream: OpaquePointer

  init?() {
    guard let made = unsafe ZSTD_createDStream() else { return nil }
    unsafe stream = made
  }

  deinit { unsafe ZSTD_freeDStream(stream) }

  func step(_ input: [UInt8], from start: Int, isLast: Bool, into output: inout [UInt8]) -> DecompressionStep {
    let (given, room) = (input.count - start, output.count)
    var step = DecompressionStep(consumed: 0, produced: 0, status: .more)
    let code = unsafe input.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        var from = unsafe ZSTD_inBuffer(src: source.baseAddress.map { unsafe $0 + start }, size: given, pos: 0)
        var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: room, pos: 0)
        let code = unsafe ZSTD_decompressStream(stream, &to, &from)
        unsafe (step.consumed, step.produced) = (from.pos, to.pos)
        return code
      }
    }
    guard ZSTD_isError(code) == 0 else {
      switch ZSTD_getErrorCode(code) {
      // The window is past 128 MiB, which no reader takes unless it is told to.
      case ZSTD_error_frameParameter_windowTooLarge, ZSTD_error_memory_allocation: step.status = .tooLarge
      case ZSTD_error_dictionary_wrong, ZSTD_error_version_unsupported, ZSTD_error_frameParameter_unsupported:
        step.status = .unsupported
      default: step.status = .malformed
      }
      return step
    }
    if code == 0 { step.status = .end }
    return step
  }
}

/// LZ4 frames, through liblz4; one frame.
@safe final class LZ4Decompressor: Decompressor {
  private let context: OpaquePointer

  init?() {
    var made: OpaquePointer?
    guard unsafe LZ4F_isError(LZ4F_createDecompressionContext(&made, UInt32(LZ4F_VERSION))) == 0, let made = unsafe made
    else { return nil }
    unsafe context = made
  }

  deinit { unsafe _ = LZ4F_freeDecompressionContext(context) }

  func step(_ input: [UInt8], from start: Int, isLast: Bool, into output: inout [UInt8]) -> DecompressionStep {
    var (consumed, produced) = (input.count - start, output.count)
    let code = unsafe input.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        let from = unsafe source.baseAddress.map { unsafe $0 + start }
        return unsafe LZ4F_decompress(context, target.baseAddress, &produced, from, &consumed, nil)
      }
    }
    if LZ4F_isError(code) != 0 { return DecompressionStep(consumed: 0, produced: 0, status: .malformed) }
    return DecompressionStep(consumed: consumed, produced: produced, status: code == 0 ? .end : .more)
  }
}

/// The first LZ4 format: a mark, then blocks of up to 8 MiB with their packed lengths before them, until the input ends
/// or something stands there that is no length.
final class LZ4LegacyDecompressor: Decompressor {
  private static let blockSize = 8 << 20
  /// A block that cannot be made smaller grows by one byte in 255, and 16.
  private static let packedLimit = blockSize + blockSize / 255 + 16

  private var packed: [UInt8] = []
  private var block: [UInt8] = []
  private var blockAt = 0
  private var sawMark = false

  func step(_ input: [UInt8], from start: Int, isLast: Bool, into output: inout [UInt8]) -> DecompressionStep {
    var at = start
    var produced = 0
    while produced < output.count {
      if blockAt < block.count {
        let count = min(block.count - blockAt, output.count - produced)
        output.replaceSubrange(produced..<(produced + count), with: block[blockAt..<(blockAt + count)])
        blockAt += count
        produced += count
        continue
      }
      guard fill(4, input, &at) else { return over(at - start, produced, isLast: isLast) }
      if !sawMark {
        sawMark = true
        packed.removeAll()
        continue
      }
      let length = (0...3).reduce(0) { $0 | Int(packed[$1]) << (8 * $1) }
      // The mark of what comes next is past any length. Its bytes are not this stream's: they are given back, even where
      // an earlier step took some of them.
      guard length > 0, length <= Self.packedLimit else {
        return DecompressionStep(consumed: at - start - 4, produced: produced, status: .end)
      }
      guard fill(4 + length, input, &at) else {
        return DecompressionStep(consumed: at - start, produced: produced, status: .more)
      }
      guard decodeBlock() else {
        return DecompressionStep(consumed: at - start, produced: produced, status: .malformed)
      }
    }
    return DecompressionStep(consumed: at - start, produced: produced, status: .more)
  }

  /// The input is used up: between two blocks that is the end.
  private func over(_ consumed: Int, _ produced: Int, isLast: Bool) -> DecompressionStep {
    DecompressionStep(
      consumed: consumed, produced: produced, status: isLast && sawMark && packed.isEmpty ? .end : .more)
  }

  /// Moves input to ``packed`` until that holds `count` bytes.
  private func fill(_ count: Int, _ input: [UInt8], _ at: inout Int) -> Bool {
    let taken = min(max(0, count - packed.count), input.count - at)
    packed.append(contentsOf: input[at..<(at + taken)])
    at += taken
    return packed.count >= count
  }

  private func decodeBlock() -> Bool {
    block = [UInt8](repeating: 0, count: Self.blockSize)
    blockAt = 0
    let count = unsafe packed.withUnsafeBytes { source in
      unsafe block.withUnsafeMutableBytes { target -> Int32 in
        guard let from = source.baseAddress, let to = target.baseAddress else { return -1 }
        return unsafe LZ4_decompress_safe(
          (from + 4).assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self),
          Int32(truncatingIfNeeded: source.count - 4), Int32(truncatingIfNeeded: target.count))
      }
    }
    packed.removeAll(keepingCapacity: true)
    guard count >= 0 else {
      block = []
      return false
    }
    block.removeLast(block.count - Int(count))
    return true
  }
}
