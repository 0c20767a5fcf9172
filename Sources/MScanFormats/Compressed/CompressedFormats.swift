import MScanBytes
public import MScanFacts

/// A gzip file (RFC 1952): what all its members hold, one behind the other, as Python's `gzip` reads them.
public enum GzipFormat: Format {
  public static let id = "gzip"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, wrapper: .gzip).read(into: &sink)
  }
}

/// A zlib stream (RFC 1950), as joblib writes it. What follows the stream no reader of it looks at.
public enum ZlibFormat: Format {
  public static let id = "zlib"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    CompressedReader(input: input, format: id, wrapper: .zlib).read(into: &sink)
  }
}

struct CompressedReader {
  let input: ArtifactInput
  let format: String
  let wrapper: Inflate.Wrapper

  func read(into sink: inout FactBuffer) {
    var content: [UInt8] = []
    var at = 0
    var failure: ParseFailure?
    repeat {
      let output = Inflate.decode(
        input.source.slice(ByteRange(at, input.source.count)), wrapper,
        limit: max(0, input.limits.memberBytes - content.count), ratio: input.limits.expansionRatio)
      content.append(contentsOf: output.bytes)
      failure = output.failure.map { ParseFailure($0.reason, $0.field, at: at + $0.offset) }
      // Without progress there is nothing to go on from.
      guard failure == nil, output.consumed > 0 else { break }
      at += output.consumed
    } while wrapper == .gzip && at < input.source.count && input.source.prefix(2, at: at) == [0x1f, 0x8b]
    let child = Artifact(
      name: Self.innerName(input.name), parent: input.index,
      rangeInParent: ByteRange(0, failure == nil ? at : input.source.count),
      encoding: wrapper == .gzip ? .gzip : .deflate, size: content.count)
    sink.addChild(child, source: ByteSource(content))
    if let failure { sink.emit(failure, format: format, artifact: input.index, size: input.source.count) }
    if failure == nil, at < input.source.count { stateTrailing(from: at, into: &sink) }
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
    sink.addChild(
      Artifact(
        name: "bytes at \(start)", parent: input.index, rangeInParent: rest, encoding: .stored, size: rest.count),
      source: input.source.slice(rest))
  }

  /// `model.pkl.gz` holds `model.pkl`, `model.tgz` holds `model.tar`; a name without such an ending stays as it is.
  static func innerName(_ name: String) -> String {
    for (ending, inner) in [(".gz", ""), (".tgz", ".tar"), (".z", ""), (".gzip", ""), (".zlib", "")]
    where name.count > ending.count && name.lowercased().hasSuffix(ending) {
      return name.dropLast(ending.count) + inner
    }
    return name
  }
}
