import MScanBytes
public import MScanFacts

/// NumPy's `.npy` (format specification 1.0 to 3.0): a magic number, a header that is a Python dictionary, then the
/// elements, or a pickle when they are objects. Elements that are plain numbers are not read.
public enum NumPyFormat: Format {
  public static let id = "npy"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    let reader = NumPyReader(input: input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

struct NumPyReader {
  private static let magic: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
  /// Extents that a `tensor` fact keeps; NumPy has at most 64.
  private static let dimensions = 64

  let input: ArtifactInput
  private var size: Int { input.source.count }

  init(input: ArtifactInput) { self.input = input }

  func read(into sink: inout FactBuffer) throws(ParseFailure) {
    var cursor = ByteCursor(input.source.prefix(12))
    let magic = try cursor.slice(6, "magic")
    guard magic.elementsEqual(Self.magic) else { throw ParseFailure(.malformed, "magic", at: 0) }
    let version = try cursor.readUInt8("version")
    let minor = try cursor.readUInt8("version")
    guard (1...3).contains(version), minor == 0 else {
      // The header's place is not known, so neither is what a later NumPy would unpickle.
      UnownedBytes.carve(ByteRange(8, size), of: input, into: &sink)
      throw ParseFailure(.unsupported, "version", at: 6)
    }
    let length =
      version == 1 ? Int(try cursor.readUInt16("HEADER_LEN")) : Int(try cursor.readUInt32("HEADER_LEN"))
    let start = cursor.offset
    guard length <= size &- start else { throw ParseFailure(.truncated, "HEADER_LEN", at: 8) }
    let dataStart = start &+ length
    let data = ByteRange(dataStart, size)
    let header: NumPyHeader
    do throws(ParseFailure) {
      let bytes = try input.source.bytes(
        ByteRange(start, dataStart), limit: input.limits.npyHeader, field: "npyHeader")
      header = try NumPyHeader(bytes, base: start, nesting: input.limits.nesting)
    } catch {
      UnownedBytes.carve(data, of: input, into: &sink)
      throw error
    }
    state(header, ByteRange(0, dataStart), data, into: &sink)
    try account(header, data, into: &sink)
  }

  private func state(_ header: NumPyHeader, _ place: ByteRange, _ data: ByteRange, into sink: inout FactBuffer) {
    sink.emit(
      .tensor(
        TensorFact(
          name: input.name, dtype: header.descr, shape: Array(header.shape.prefix(Self.dimensions)), bytes: data)),
      artifact: input.index, range: place, place: .whole)
    if header.hasDuplicateKeys {
      note("npy.malformed", place, field: "header", detail: "a key of the header stands twice", into: &sink)
    }
  }

  /// Holds the data against what the header says of it.
  private func account(
    _ header: NumPyHeader, _ data: ByteRange, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    if header.hasObjects {
      let source = input.source.slice(data)
      sink.addChild(
        Artifact(
          name: "array data", parent: input.index, rangeInParent: data, encoding: .stored, size: source.count),
        source: source, format: PickleFormat.id)
      return
    }
    guard header.itemSize != nil else {
      UnownedBytes.carve(data, of: input, into: &sink)
      throw ParseFailure(.unsupported, "descr", at: min(10, data.start))
    }
    guard let needed = header.size, needed <= data.count else {
      throw ParseFailure(.truncated, "array-data", at: data.start)
    }
    guard needed < data.count else { return }
    let rest = ByteRange(data.start &+ needed, size)
    note(
      "npy.trailing-bytes", rest, field: "array-data", detail: "\(rest.count) bytes behind the array", into: &sink)
    UnownedBytes.carve(rest, of: input, into: &sink)
  }

  private func note(
    _ subject: String, _ range: ByteRange, field: String, detail: String, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: input.index, range: range,
      place: .whole)
  }
}
