import MScanBytes
public import MScanFacts

/// Tables of Arrow and Parquet are not read; what their metadata has PyArrow before 14.0.1 do is looked for all the same:
/// it unpickles the type of a column that is marked so (CVE-2023-47248).
public enum ArrowMetadata {
  public static let formats: Set<String> = ["arrow", "parquet"]

  /// Bytes at the start and at the end that are searched: schemas stand there. 4 MiB each.
  private static let searched = 4 << 20

  /// The mark as it is, and in base 64 as Parquet keeps the schema, at each of the three alignments.
  private static let marks: [[UInt8]] = [
    "arrow.py_extension_type", "YXJyb3cucHlfZXh0ZW5zaW9uX3R5", "Fycm93LnB5X2V4dGVuc2lvbl90eXBl",
    "hcnJvdy5weV9leHRlbnNpb25fdHlw",
  ].map { Array($0.utf8) }

  public static func search(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let count = input.source.count
    var places = [ByteRange(0, min(count, searched))]
    if count > searched { places.append(ByteRange(max(searched, count - searched), count)) }
    for place in places {
      let bytes = input.source.prefix(place.count, at: place.start)
      for mark in marks {
        guard bytes.span.holds(mark.span) else { continue }
        sink.emit(
          .anomaly(
            AnomalyFact(
              subject: "arrow.python-extension", field: "ARROW:extension:name",
              detail: "a column is of the type arrow.py_extension_type")),
          artifact: input.index, range: place, place: .whole)
        return
      }
    }
  }
}
