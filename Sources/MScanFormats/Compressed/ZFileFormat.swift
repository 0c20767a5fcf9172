import MScanBytes
public import MScanFacts

/// What joblib before 0.10 compressed (`model.pkl`, `model.pkl_01.npy.z`), and every joblib still opens: `ZF`, the length
/// of the contents as hexadecimal text padded with blanks, a zlib stream. Source: `read_zfile` in
/// `joblib/numpy_pickle_compat.py`.
///
///     5a 46 "0x1c              " 78 9c …
///
/// The text is 18 or 19 bytes long, by the version of Python that wrote it.
public enum ZFileFormat: Format {
  public static let id = "joblib-zfile"

  static let magic: [UInt8] = [0x5a, 0x46, 0x30, 0x78]
  private static let lengths = [2 + 18, 2 + 19]

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let source = input.source
    let head = source.prefix(24)
    // The stream starts where the text ends; the older length is one more blank.
    guard let start = lengths.first(where: { $0 < head.count && head[$0] == 0x78 }) else {
      let failure = ParseFailure(head.count < 24 ? .truncated : .malformed, "zlib header", at: min(20, source.count))
      sink.emit(failure, format: id, artifact: input.index, size: source.count)
      return
    }
    let output = Decompression.decode(
      source.slice(ByteRange(start, source.count)), .zlib, bounds: Decompression.Bounds(input.limits), all: false)
    let end = output.failure == nil ? start + output.consumed : source.count
    let contents = output.source
    let isPickle = !isArray(input.name) || PickleFormat.isPickle(contents)
    if isPickle || MagicBytes.isUnmistakable(contents.prefix(64)) {
      sink.addChild(
        Artifact(
          name: CompressedReader.innerName(input.name), parent: input.index, rangeInParent: ByteRange(start, end),
          encoding: .deflate, size: contents.count),
        source: contents, format: isPickle ? PickleFormat.id : nil)
    }
    if let failure = output.failure {
      let placed = ParseFailure(failure.reason, failure.field, at: start + failure.offset)
      sink.emit(placed, format: id, artifact: input.index, size: source.count)
    } else if end < source.count {
      let rest = ByteRange(end, source.count)
      sink.emit(
        .anomaly(
          AnomalyFact(
            subject: "\(id).trailing-bytes", field: "trailer", detail: "\(rest.count) bytes behind the compressed data")
        ), artifact: input.index, range: rest, place: .whole)
      sink.addChild(
        Artifact(
          name: "bytes at \(end)", parent: input.index, rangeInParent: rest, encoding: .stored, size: rest.count),
        source: source.slice(rest))
    }
    let stated = String(decoding: head[2..<min(start, head.count)], as: UTF8.self).filter { $0.isHexDigit || $0 == "x" }
    if output.failure == nil, Int(stated.dropFirst(2), radix: 16) != contents.count {
      sink.emit(
        .anomaly(
          AnomalyFact(subject: "\(id).length", field: "length", detail: "\(stated) stated, \(contents.count) held")),
        artifact: input.index, range: ByteRange(2, start), place: .whole)
    }
  }

  /// `model.pkl_01.npy.z` holds the elements of one array, not a pickle.
  private static func isArray(_ name: String) -> Bool { name.lowercased().hasSuffix(".npy.z") }
}
