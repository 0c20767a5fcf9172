import CCodecs

/// xz, `.lzma` and bare filters, through liblzma.
@safe final class LZMADecompressor: Decompressor {
  enum Container {
    case xz, alone
    case raw([LZMAFilter], size: Int)
  }

  private let stream: UnsafeMutablePointer<lzma_stream>
  /// Stated by the first step when the decoder could not be made.
  private var refusal: DecompressionStep.Status?

  init(_ container: Container, codecBytes: Int) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: mscan_lzma_stream())
    let memory = UInt64(max(0, codecBytes))
    let status: lzma_ret
    switch container {
    case .xz: status = unsafe lzma_stream_decoder(stream, memory, 0)
    case .alone: status = unsafe lzma_alone_decoder(stream, memory)
    case .raw(let filters, let size):
      status = unsafe Self.withFilters(filters, size: size) { chain in
        let wanted = unsafe lzma_raw_decoder_memusage(chain)
        guard wanted != .max else { return LZMA_OPTIONS_ERROR }
        guard wanted <= memory else { return LZMA_MEMLIMIT_ERROR }
        return unsafe lzma_raw_decoder(stream, chain)
      }
    }
    refusal = status == LZMA_OK ? nil : Self.status(status)
  }

  deinit {
    unsafe lzma_end(stream)
    unsafe stream.deallocate()
  }

  /// Makes the structures that liblzma wants of the filters, for the time of `body`.
  private static func withFilters(
    _ filters: [LZMAFilter], size: Int, _ body: (UnsafePointer<lzma_filter>) -> lzma_ret
  ) -> lzma_ret {
    guard filters.count <= Int(LZMA_FILTERS_MAX) else { return LZMA_OPTIONS_ERROR }
    let end = unsafe lzma_filter(id: .max, options: nil)
    var chain = unsafe [lzma_filter](repeating: end, count: filters.count + 1)
    defer { for index in unsafe chain.indices { unsafe free(chain[index].options) } }
    for (index, filter) in filters.enumerated() {
      unsafe chain[index].id = filter.id
      let status = unsafe filter.properties.withUnsafeBufferPointer { properties in
        unsafe lzma_properties_decode(&chain[index], nil, properties.baseAddress, properties.count)
      }
      guard status == LZMA_OK else {
        // From here on the chain ends, so that nothing is freed that was never made.
        unsafe chain[index].options = nil
        return status
      }
      if filter.id == LZMAFilter.lzma1, let options = unsafe chain[index].options {
        unsafe chain[index].id = mscan_lzma1_of_size(
          options.assumingMemoryBound(to: lzma_options_lzma.self), UInt64(max(0, size)))
      }
    }
    return unsafe chain.withUnsafeBufferPointer { buffer in
      guard let first = buffer.baseAddress else { return LZMA_PROG_ERROR }
      return unsafe body(first)
    }
  }

  private static func status(_ code: lzma_ret) -> DecompressionStep.Status {
    switch code {
    case LZMA_OK, LZMA_BUF_ERROR: .more
    case LZMA_STREAM_END: .end
    case LZMA_MEM_ERROR, LZMA_MEMLIMIT_ERROR: .tooLarge
    case LZMA_OPTIONS_ERROR, LZMA_UNSUPPORTED_CHECK: .unsupported
    default: .malformed
    }
  }

  func step(_ input: [UInt8], from start: Int, isLast: Bool, into output: inout [UInt8]) -> DecompressionStep {
    if let refusal { return DecompressionStep(consumed: 0, produced: 0, status: refusal) }
    let (given, room) = (input.count - start, output.count)
    let code = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe stream.pointee.next_in = source.baseAddress.map { unsafe $0 + start }
        unsafe stream.pointee.avail_in = given
        unsafe stream.pointee.next_out = target.baseAddress
        unsafe stream.pointee.avail_out = room
        return unsafe lzma_code(stream, isLast ? LZMA_FINISH : LZMA_RUN)
      }
    }
    let left = unsafe (stream.pointee.avail_in, stream.pointee.avail_out)
    return DecompressionStep(consumed: given - left.0, produced: room - left.1, status: Self.status(code))
  }
}
