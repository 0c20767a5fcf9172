/// Decodes compressed bytes in pieces, with a bound on what comes out, into memory or a ``Spool``.
public enum Decompression {
  /// What decoding may cost.
  public struct Bounds: Sendable {
    /// Bytes of output at the most, and the limit that says so.
    public var bytes: Int
    public var field: StaticString
    /// Output over input, held once the output passes one mebibyte.
    public var ratio: Int
    /// Memory that one decoder may want.
    public var codecBytes: Int
    /// Streams behind one another.
    public var streams: Int
    /// Output that is held in memory while there is no temporary file.
    public var heldBytes: Int
    /// Output up to this many bytes stays in memory.
    public var spoolBytes: Int

    public init(_ limits: Limits) {
      bytes = min(limits.memberBytes, limits.expandedBytes)
      field = limits.memberBytes <= limits.expandedBytes ? "memberBytes" : "expandedBytes"
      ratio = limits.expansionRatio
      codecBytes = limits.codecBytes
      streams = limits.members
      heldBytes = limits.heldBytes
      spoolBytes = limits.spoolBytes
    }
  }

  /// What was decoded. With a failure, the bytes before it.
  public struct Output: Sendable {
    public var source: ByteSource
    /// Encoded bytes used, padding between streams included.
    public var consumed: Int
    /// Where each stream but the first starts.
    public var laterStreams: [Int]
    /// Skippable frames, of zstd and LZ4.
    public var skipped: [ByteRange]
    public var failure: ParseFailure?
  }

  /// Decodes a stream, and those behind it that Python's readers of the format go on with.
  ///
  /// - Parameter all: whether to go on with further streams at all.
  /// - Returns: the output, with `truncated` when the input ends early, `malformed` when it is not what it says,
  ///   `limitExceeded` at a bound.
  public static func decode(
    _ source: ByteSource, _ codec: Codec, bounds: Bounds, all: Bool = true
  ) -> Output {
    var spool = Spool(memory: bounds.spoolBytes, fallback: bounds.heldBytes)
    var run = DecompressionRun(source: source, codec: codec, bounds: bounds)
    run.decode(all: all, into: &spool)
    return Output(
      source: spool.finish(), consumed: run.position, laterStreams: run.laterStreams, skipped: run.skipped,
      failure: run.failure)
  }
}

extension Decompression {
  /// Decodes a source to the end of a spool that holds other things already; ``Bounds/bytes`` is for all of them.
  public static func decode(
    _ source: ByteSource, _ codec: Codec, bounds: Bounds, into spool: inout Spool
  ) -> (consumed: Int, failure: ParseFailure?) {
    var run = DecompressionRun(source: source, codec: codec, bounds: bounds)
    run.decode(all: false, into: &spool)
    return (run.position, run.failure)
  }

  /// The first bytes that a source decodes to, up to `count`; fewer where it is broken.
  public static func head(of source: ByteSource, _ codec: Codec, count: Int) -> [UInt8] {
    bytes(of: source, codec, limit: count).bytes
  }

  /// What a source decodes to, in memory, up to `limit` bytes.
  public static func bytes(
    of source: ByteSource, _ codec: Codec, limit: Int, ratio: Int = .max
  ) -> (bytes: [UInt8], failure: ParseFailure?) {
    var bounds = Bounds(.standard)
    (bounds.bytes, bounds.field, bounds.ratio) = (limit, "memberBytes", ratio)
    (bounds.spoolBytes, bounds.heldBytes) = (limit, limit)
    let output = decode(source, codec, bounds: bounds, all: false)
    return (output.source.prefix(output.source.count), output.failure)
  }
}

/// One pass over a compressed source.
struct DecompressionRun {
  let source: ByteSource
  var codec: Codec
  let bounds: Decompression.Bounds
  /// Offset of the next encoded byte.
  private(set) var position = 0
  private(set) var laterStreams: [Int] = []
  private(set) var skipped: [ByteRange] = []
  private(set) var failure: ParseFailure?

  private static let window = 1 << 16
  private var input: [UInt8] = []
  private var inputStart = 0
  /// Bytes that the spool held before.
  private var base = 0
  private var piece: [UInt8]

  init(source: ByteSource, codec: Codec, bounds: Decompression.Bounds) {
    self.source = source
    self.codec = codec
    self.bounds = bounds
    piece = [UInt8](repeating: 0, count: max(512, min(1 << 16, bounds.bytes < 1 << 16 ? bounds.bytes + 1 : 1 << 16)))
  }

  mutating func decode(all: Bool, into spool: inout Spool) {
    var streams = 0
    base = spool.count
    repeat {
      if codec.hasSkippableFrames, skipFrames(isFirst: streams == 0) { return }
      if streams > 0 { laterStreams.append(position) }
      guard streams < bounds.streams else { return fail(.limitExceeded, "members") }
      guard let decompressor = codec.makeDecompressor(codecBytes: bounds.codecBytes) else {
        return fail(.unsupported, codec.field)
      }
      let (start, before) = (position, spool.count)
      run(decompressor, into: &spool)
      streams += 1
      if failure != nil {
        // What only starts like a further stream is none: readers take it for what follows the last one.
        if streams > 1, failure?.reason == .malformed, spool.count == before {
          failure = nil
          position = start
          laterStreams.removeLast()
        }
        return
      }
    } while all && findNext()
  }

  private mutating func fail(_ reason: ParseFailure.Reason, _ field: StaticString) {
    failure = ParseFailure(reason, field, at: position)
  }

  // MARK: Between streams

  /// Steps over skippable frames. Returns whether there is nothing to decode behind them.
  private mutating func skipFrames(isFirst: Bool) -> Bool {
    while let frame = Codec.skippableFrame(window(8), at: position) {
      guard skipped.count < bounds.streams else {
        fail(.limitExceeded, "members")
        return true
      }
      skipped.append(ByteRange(frame.start, min(frame.end, source.count)))
      guard frame.end <= source.count else {
        position = source.count
        fail(.truncated, "frame size")
        return true
      }
      position = frame.end
    }
    // A file of nothing but skippable frames holds nothing.
    guard isFirst, !skipped.isEmpty else { return false }
    if position >= source.count { return true }
    guard let next = Codec.starting(window(16)), next.hasSkippableFrames else { return true }
    codec = next
    return false
  }

  /// Moves to the next stream; false when there is none. Padding that no stream follows is not passed.
  private mutating func findNext() -> Bool {
    let end = position
    if codec.allowsPadding { skipZeros() }
    guard position < source.count else {
      // Padding to the end of the file is part of it.
      return false
    }
    let head = window(16)
    if codec.hasSkippableFrames, Codec.skippableFrame(head, at: position) != nil {
      if skipFrames(isFirst: false) { return false }
      return isNext(window(16), orBackTo: position)
    }
    return isNext(head, orBackTo: end)
  }

  private mutating func isNext(_ head: [UInt8], orBackTo end: Int) -> Bool {
    guard let next = codec.following(head) else {
      position = end
      return false
    }
    codec = next
    return true
  }

  private mutating func skipZeros() {
    while position < source.count {
      guard refill() else { return }
      let from = position - inputStart
      if let other = input[from...].firstIndex(where: { $0 != 0 }) {
        position = inputStart + other
        return
      }
      position = inputStart + input.count
    }
  }

  // MARK: Input

  /// Makes sure that the byte at ``position`` is in ``input``; false at the end of the source.
  private mutating func refill() -> Bool {
    if position >= inputStart, position < inputStart + input.count { return true }
    inputStart = position
    return source.read(at: position, count: Self.window, into: &input) > 0
  }

  /// Up to `count` bytes from here on.
  private mutating func window(_ count: Int) -> [UInt8] {
    if position >= inputStart, position + count <= inputStart + input.count {
      return Array(input[(position - inputStart)..<(position - inputStart + count)])
    }
    return source.prefix(count, at: position)
  }

  // MARK: A stream

  private mutating func run(_ decompressor: any Decompressor, into spool: inout Spool) {
    let before = spool.count
    var flushes = false
    while true {
      // What fits no more into the last piece may come without further input.
      guard refill() || flushes else { return end(before, spool.count) }
      let from = min(max(0, position - inputStart), input.count)
      let step = decompressor.step(
        input, from: from, isLast: inputStart + input.count >= source.count, into: &piece)
      position += step.consumed
      if let stop = spool.append(piece[..<step.produced], limit: bounds.bytes, field: bounds.field) {
        failure = ParseFailure(stop.reason, stop.field, at: position)
        return
      }
      let produced = spool.count - base
      if produced > 1 << 20, produced / max(1, position) >= bounds.ratio {
        return fail(.limitExceeded, "expansionRatio")
      }
      switch step.status {
      case .end: return
      case .malformed: return fail(.malformed, codec.field)
      case .unsupported: return fail(.unsupported, codec.field)
      case .tooLarge: return fail(.limitExceeded, "codecBytes")
      case .more: break
      }
      flushes = step.produced == piece.count
      if step.consumed == 0, step.produced == 0 {
        guard position >= source.count else {
          return fail(.malformed, codec.field)
        }
        return end(before, spool.count)
      }
    }
  }

  /// The input is used up and the decoder wants more: an end only where the size says so.
  private mutating func end(_ before: Int, _ after: Int) {
    if case .filters(_, let size) = codec, after - before >= size { return }
    fail(.truncated, codec.field)
  }
}
