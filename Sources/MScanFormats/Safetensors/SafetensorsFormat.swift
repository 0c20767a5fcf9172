import MScanBytes
public import MScanFacts

/// safetensors: eight bytes of header length, a JSON header, tensors that tile the rest. The tensors' own bytes are not
/// read. Source: the format's README and its reference implementation, 0.6.
public enum SafetensorsFormat: Format {
  public static let id = "safetensors"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = SafetensorsReader(input)
    reader.read(into: &sink)
    sink.sortFacts(after: mark)
  }
}

struct SafetensorsReader {
  /// Where a tensor's bytes lie, from the end of the header, and where its entry stands in the file.
  struct Extent {
    var begin: Int
    var end: Int
    var entry: ByteRange
  }

  let input: ArtifactInput
  /// First byte behind the header.
  private(set) var dataStart = 8
  var extents: [Extent] = []

  var dataLength: Int { max(0, input.source.count &- dataStart) }

  init(_ input: ArtifactInput) { self.input = input }

  mutating func read(into sink: inout FactBuffer) {
    let size = input.source.count
    var cursor = ByteCursor(input.source.prefix(8))
    guard let stated = try? cursor.readUInt64("header_size") else {
      return note(
        "safetensors.truncated", at: ByteRange(0, size), field: "header_size", detail: "\(size) bytes, 8 are needed",
        incomplete: true, into: &sink)
    }
    guard let length = Int(exactly: stated), length <= input.limits.safetensorsHeader else {
      UnownedBytes.carve(ByteRange(8, size), of: input, into: &sink)
      return note(
        "limit.safetensorsHeader", at: ByteRange(0, 8), field: "header_size",
        detail: "the header says it has \(stated) bytes",
        incomplete: true, into: &sink)
    }
    guard length <= size &- 8 else {
      UnownedBytes.carve(ByteRange(8, size), of: input, into: &sink)
      return note(
        "safetensors.truncated", at: ByteRange(0, 8), field: "header_size",
        detail: "the header says it has \(stated) bytes, the file has \(size &- 8)", incomplete: true, into: &sink)
    }
    let bytes: [UInt8]
    do throws(ParseFailure) {
      bytes = try input.source.bytes(ByteRange(8, 8 &+ length), limit: length, field: "header")
    } catch {
      return sink.emit(error, format: SafetensorsFormat.id, artifact: input.index, size: size)
    }
    dataStart = 8 &+ length
    if let first = bytes.first, first != 0x7b {
      note(
        "safetensors.header-start", at: ByteRange(8, 9), field: "header", detail: "byte \(first), not '{'", into: &sink)
    }
    var header = SafetensorsHeader(input, dataStart: dataStart)
    let isComplete = header.read(bytes.span, into: &sink)
    extents = header.extents
    // A header that broke off says nothing about the bytes its missing tensors would own.
    if isComplete { tile(into: &sink) }
  }

  /// Bytes that two tensors own, or none.
  private mutating func tile(into sink: inout FactBuffer) {
    extents.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    var owned = 0
    for extent in extents {
      if extent.begin < owned {
        note(
          "safetensors.overlap", at: extent.entry, field: "data_offsets",
          detail: "starts at \(extent.begin), bytes up to \(owned) have an owner", into: &sink)
      } else if extent.begin > owned {
        let gap = ByteRange(dataStart &+ owned, dataStart &+ min(extent.begin, dataLength))
        note(
          "safetensors.gap", at: gap, field: "data_offsets", detail: "\(gap.count) bytes that no tensor owns",
          into: &sink)
        UnownedBytes.carve(gap, of: input, into: &sink)
      }
      owned = max(owned, min(extent.end, dataLength))
    }
    guard owned < dataLength else { return }
    let rest = ByteRange(dataStart &+ owned, input.source.count)
    note(
      "safetensors.trailing-bytes", at: rest, field: "data_offsets",
      detail: "\(rest.count) bytes behind the last tensor",
      into: &sink)
    UnownedBytes.carve(rest, of: input, into: &sink)
  }

  private func note(
    _ subject: String, at range: ByteRange, field: String, detail: String, incomplete: Bool = false,
    into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(
        AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
      artifact: input.index, range: range, place: .whole)
  }
}
