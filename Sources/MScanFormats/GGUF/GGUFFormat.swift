import MScanBytes
public import MScanFacts

/// GGUF 1 to 3, of either byte order: a header, metadata by key, a table of tensors, and their aligned data, which is
/// not read. Source: `docs/gguf.md` of ggml and the checks of its reference reader, `gguf.cpp`.
public enum GGUFFormat: Format {
  public static let id = "gguf"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = GGUFReader(input)
    reader.read(into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// The header, and what metadata and tensors share. Worked example, version 3:
///
///     47 47 55 46  03 00 00 00    magic, version
///     01 00 … (8)                 tensor_count
///     02 00 … (8)                 metadata_kv_count
///     0c 00 … (8) "general.name"  08 00 00 00  02 00 … (8) "ab"       key, type 8 (string), value
///     …
///     01 00 … (8) "w"  01 00 00 00  04 00 … (8)  00 00 00 00  00 … (8)  name, n_dimensions, extents, type, offset
///     00 …                        padding up to the next multiple of the alignment; the data
struct GGUFReader {
  static let defaultAlignment = 32
  static let textLimit = 4096

  let input: ArtifactInput
  var wire: WindowReader
  private(set) var version: UInt32 = 0
  private(set) var tensorCount = 0
  private(set) var entryCount = 0
  /// What stopped the reader has been said in its own words.
  private var isStated = false

  var alignment = Self.defaultAlignment
  var keys: Set<Int> = []
  var names: Set<Int> = []
  var valuesLeft: Int
  /// Lengths of the arrays, and numbers, that have to agree with each other.
  var agreements: [String: (value: UInt64, range: ByteRange)] = [:]
  /// Where the vocabulary's texts and their types stand, and the ids of the tokens that steer.
  var vocabulary = Vocabulary()
  /// Stated once the start of the data is known.
  var tensors: [Tensor] = []

  /// A row of the table.
  struct Tensor {
    var name: String
    var type: String
    var shape: [Int] = []
    var entry: ByteRange
    /// From the start of the data.
    var offset: UInt64
    /// Bytes; nil when they could not be told.
    var size: Int?
  }

  init(_ input: ArtifactInput) {
    self.input = input
    wire = WindowReader(input.source)
    valuesLeft = input.limits.values
  }

  mutating func read(into sink: inout FactBuffer) {
    do throws(ParseFailure) {
      try header(into: &sink)
      for _ in 0..<entryCount { try entry(into: &sink) }
      checkAgreements(into: &sink)
      for _ in 0..<tensorCount { try tensor(into: &sink) }
    } catch {
      if !isStated { sink.emit(error, format: GGUFFormat.id, artifact: input.index, size: input.source.count) }
      stateTensors(dataStart: wire.offset, into: &sink)
      return UnownedBytes.carve(ByteRange(wire.offset, input.source.count), of: input, into: &sink)
    }
    layOut(into: &sink)
  }

  private mutating func header(into sink: inout FactBuffer) throws(ParseFailure) {
    try wire.skip(4, "magic")
    version = try wire.readUInt32("version")
    if version & 0xffff == 0, version != 0 {
      wire.isBigEndian = true
      version = version.byteSwapped
    }
    guard (1...3).contains(version) else { throw ParseFailure(.unsupported, "version", at: 4) }
    tensorCount = try count("tensor_count", each: version == 1 ? 20 : 24, into: &sink)
    entryCount = try count("metadata_kv_count", each: version == 1 ? 9 : 13, into: &sink)
    if tensorCount > input.limits.tensors {
      throw ParseFailure(.limitExceeded, "tensors", at: 8)
    }
    if entryCount > input.limits.ggufKeys {
      throw ParseFailure(.limitExceeded, "ggufKeys", at: version == 1 ? 12 : 16)
    }
  }

  // MARK: Numbers

  /// A count or a length: 32 bits in version 1, 64 since.
  mutating func size(_ field: StaticString) throws(ParseFailure) -> UInt64 {
    try wire.readUnsigned(version == 1 ? 4 : 8, field)
  }

  /// How many entries of at least `each` bytes there are; as many as fit when the header claims more.
  private mutating func count(
    _ field: StaticString, each: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) -> Int {
    let start = wire.offset
    let stated = try size(field)
    let room = wire.remaining / each
    if let count = Int(exactly: stated), count <= room { return count }
    note(
      "gguf.count-out-of-file", ByteRange(start, wire.offset), field: field.description,
      detail: "\(field.description) is \(stated), the file has room for \(room)", incomplete: true, into: &sink)
    isStated = true
    return min(room, field.description == "tensor_count" ? input.limits.tensors : input.limits.ggufKeys)
  }

  /// A length of `each`-byte items that the rest of the file can hold. `owner` is shortened only where it is told of:
  /// vocabularies have half a million lengths.
  ///
  /// - Throws: `truncated`, after saying so in the file's own numbers.
  mutating func length(
    _ field: StaticString, each: Int, of owner: String, into sink: inout FactBuffer
  ) throws(ParseFailure) -> Int {
    let start = wire.offset
    let stated = try size(field)
    if let count = Int(exactly: stated), count <= wire.remaining / each { return count }
    throw stop(
      "gguf.length-out-of-file", ByteRange(start, wire.offset), field: field,
      detail: "\(short(owner)): \(field.description) is \(stated), \(wire.remaining) bytes follow", into: &sink)
  }

  /// Up to `limit` bytes of a string; the rest is stepped over.
  mutating func string(
    _ field: StaticString, limit: Int, of owner: String, into sink: inout FactBuffer
  ) throws(ParseFailure) -> (bytes: [UInt8], range: ByteRange) {
    let length = try length(field, each: 1, of: owner, into: &sink)
    let start = wire.offset
    let kept = try wire.bytes(min(length, limit), field)
    try wire.skip(length &- kept.count, field)
    return (kept, ByteRange(start, wire.offset))
  }

  /// The metadata is read to this offset and no further.
  func checkRoom() throws(ParseFailure) {
    guard wire.offset <= input.limits.ggufMetadata else {
      throw ParseFailure(.limitExceeded, "ggufMetadata", at: wire.offset)
    }
  }

  /// A hash with a secret of this run, so that nobody can prepare names that collide.
  static func digest(_ bytes: [UInt8]) -> Int { bytes.hashValue }

  // MARK: Anomalies

  /// Says what keeps the reader from going on.
  mutating func stop(
    _ subject: String, _ range: ByteRange, field: StaticString, detail: String, place: Place = .whole,
    into sink: inout FactBuffer
  ) -> ParseFailure {
    if !isStated {
      note(
        subject, range, field: field.description, detail: detail, incomplete: true, place: place, into: &sink)
    }
    isStated = true
    return ParseFailure(.malformed, field, at: range.start)
  }

  func note(
    _ subject: String, _ range: ByteRange, field: String, detail: String, incomplete: Bool = false,
    place: Place = .whole, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
      artifact: input.index, range: range, place: place)
  }

  /// A name from the file, short enough for a sentence.
  func short(_ name: String) -> String { String(name.prefix(80)) }
}
