import MScanBytes
public import MScanFacts

/// NumPy's `.npy` (format specification 1.0 to 3.0): a magic number, a header that is a Python dictionary, then the
/// elements, or a pickle when they are objects.
public enum NumPyFormat: Format {
  public static let id = "npy"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    do throws(ParseFailure) {
      try read(throwing: input, into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
  }

  private static func read(throwing input: ArtifactInput, into sink: inout FactBuffer) throws(ParseFailure) {
    let source = input.source
    var cursor = ByteCursor(source.prefix(12))
    try cursor.skip(6, "magic")
    let version = try cursor.readUInt8("version")
    try cursor.skip(1, "minor version")
    guard (1...3).contains(version) else { throw ParseFailure(.unsupported, "version", at: 6) }
    let length =
      version == 1 ? Int(try cursor.readUInt16("header length")) : Int(try cursor.readUInt32("header length"))
    let start = version == 1 ? 10 : 12
    let bytes = try source.bytes(ByteRange(at: start, count: length), limit: 1 << 20, field: "header")
    let dataStart = start + length
    let rest = source.slice(ByteRange(dataStart, source.count))
    guard let header = NumPyHeader(bytes) else {
      // What the elements are is unknown, so they are read as the worst they can be.
      if PickleFormat.isPickle(rest) { addPickle(rest, at: dataStart, input, &sink) }
      throw ParseFailure(.malformed, "header", at: start)
    }
    sink.emit(
      .tensor(
        TensorFact(
          name: input.name, dtype: header.descr, shape: header.shape, bytes: ByteRange(dataStart, source.count))),
      artifact: input.index, range: ByteRange(0, dataStart), place: .whole)
    if header.hasObjects { return addPickle(rest, at: dataStart, input, &sink) }
    guard let size = header.size else {
      if PickleFormat.isPickle(rest) { addPickle(rest, at: dataStart, input, &sink) }
      throw ParseFailure(.unsupported, "descr", at: start)
    }
    if size > rest.count { throw ParseFailure(.truncated, "array data", at: dataStart) }
    if size < rest.count { stateTrailing(ByteRange(dataStart + size, source.count), input, &sink) }
  }

  private static func stateTrailing(_ range: ByteRange, _ input: ArtifactInput, _ sink: inout FactBuffer) {
    sink.emit(
      .anomaly(AnomalyFact(subject: "npy.trailing-bytes", detail: "\(range.count) bytes behind the array")),
      artifact: input.index, range: range, place: .whole)
    let part = input.source.slice(range)
    guard MagicBytes.isUnmistakable(part.prefix(64)) || PickleFormat.isPickle(part) else { return }
    sink.addChild(
      Artifact(
        name: "bytes at \(range.start)", parent: input.index, rangeInParent: range, encoding: .stored,
        size: part.count), source: part)
  }

  private static func addPickle(_ rest: ByteSource, at start: Int, _ input: ArtifactInput, _ sink: inout FactBuffer) {
    sink.addChild(
      Artifact(
        name: "array data", parent: input.index, rangeInParent: ByteRange(at: start, count: rest.count),
        encoding: .stored, size: rest.count), source: rest, format: PickleFormat.id)
  }
}
