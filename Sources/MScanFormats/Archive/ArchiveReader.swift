import MScanBytes
import MScanFacts

/// What the readers of archives without a directory of their own have in common.
protocol ArchiveReader {
  var input: ArtifactInput { get }
}

extension ArchiveReader {
  var source: ByteSource { input.source }

  func anomaly(
    _ subject: String, _ range: ByteRange, field: String = "", _ detail: String, incomplete: Bool = false,
    place: Place = .whole, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
      artifact: input.index, range: ByteRange(min(range.start, source.count), min(range.end, source.count)),
      place: place)
  }
}
