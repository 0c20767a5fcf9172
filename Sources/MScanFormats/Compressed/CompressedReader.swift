import MScanBytes
import MScanFacts

/// Reads a file that is one compressed stream, or several: states what it holds besides them and queues what they
/// decode to as one child.
struct CompressedReader {
  let input: ArtifactInput
  let format: String
  let codec: Codec

  func read(into sink: inout FactBuffer) {
    let mark = sink.facts.count
    let size = input.source.count
    let output = Decompression.decode(
      input.source, codec, bounds: Decompression.Bounds(input.limits), all: codec != .zlib)
    let child = Artifact(
      name: Self.innerName(input.name), parent: input.index,
      rangeInParent: ByteRange(0, output.failure == nil ? output.consumed : size),
      encoding: Artifact.encoding(of: codec), size: output.source.count)
    sink.addChild(child, source: output.source)
    for frame in output.skipped { stateSkipped(frame, into: &sink) }
    if let second = output.laterStreams.first {
      sink.emit(
        .anomaly(
          AnomalyFact(
            subject: "\(format).second-stream", field: "stream",
            detail: "\(output.laterStreams.count + 1) streams, the second at byte \(second)")),
        artifact: input.index, range: ByteRange(second, size), place: .whole)
    }
    if let failure = output.failure {
      sink.emit(failure, format: format, artifact: input.index, size: size)
    } else if output.consumed < size {
      stateTrailing(from: output.consumed, into: &sink)
    }
    sink.sortFacts(after: mark)
  }

  private func stateTrailing(from start: Int, into sink: inout FactBuffer) {
    let rest = ByteRange(start, input.source.count)
    // Tapes are padded with zeros, and gzip skips them.
    let head = input.source.prefix(1 << 16, at: start)
    if rest.count == head.count, head.allSatisfy({ $0 == 0 }) { return }
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "\(format).trailing-bytes", field: "trailer",
          detail: "\(rest.count) bytes behind the compressed data")),
      artifact: input.index, range: rest, place: .whole)
    queue(rest, into: &sink)
  }

  /// A frame that no decoder shows. Those that writers make hold a length (pzstd) or a table of frames (seekable zstd),
  /// and are let be.
  private func stateSkipped(_ frame: ByteRange, into sink: inout FactBuffer) {
    let payload = ByteRange(min(frame.start + 8, frame.end), frame.end)
    guard payload.count > 4 else { return }
    let tail = input.source.prefix(4, at: payload.end - 4)
    if tail == [0xb1, 0xea, 0x92, 0x8f], isSeekTable(payload) { return }
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "\(format).skippable-frame", field: "skippable frame",
          detail: "\(payload.count) bytes that no decoder shows")),
      artifact: input.index, range: frame, place: .whole)
    queue(payload, into: &sink)
  }

  /// A table of the seekable format: 8 or 12 bytes a frame, then the number of frames, a descriptor and the mark.
  private func isSeekTable(_ payload: ByteRange) -> Bool {
    let foot = input.source.prefix(9, at: payload.end - 9)
    guard payload.count >= 9, foot.count == 9 else { return false }
    let frames = (0...3).reduce(0) { $0 | Int(foot[$1]) << (8 * $1) }
    return payload.count == 9 + frames * (foot[4] & 0x80 != 0 ? 12 : 8)
  }

  private func queue(_ range: ByteRange, into sink: inout FactBuffer) {
    sink.addChild(
      Artifact(
        name: "bytes at \(range.start)", parent: input.index, rangeInParent: range, encoding: .stored,
        size: range.count),
      source: input.source.slice(range))
  }

  private static let endings: [(ending: String, inner: String)] = [
    (".gz", ""), (".tgz", ".tar"), (".z", ""), (".gzip", ""), (".zlib", ""), (".bz2", ""), (".tbz2", ".tar"),
    (".tbz", ".tar"), (".xz", ""), (".txz", ".tar"), (".lzma", ""), (".tlz", ".tar"), (".zst", ""), (".zstd", ""),
    (".tzst", ".tar"), (".lz4", ""),
  ]

  /// `model.pkl.gz` holds `model.pkl`, `model.tgz` holds `model.tar`; a name without such an ending stays as it is.
  static func innerName(_ name: String) -> String {
    for (ending, inner) in endings where name.count > ending.count && name.lowercased().hasSuffix(ending) {
      return name.dropLast(ending.count) + inner
    }
    return name
  }
}
