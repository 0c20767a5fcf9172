public import MScanBytes

/// A registry of known bases: one file that says of each what tells it from others, and beside it, when they were kept,
/// the values that say how a derivative was made.
///
/// Layout of the registry, little-endian:
///
/// | part | contents |
/// |---|---|
/// | header, 32 bytes | `MSCANREG`, version (4 bytes, 2), number of records (4), place of the index (8), identity (8) |
/// | records | head, sign planes, norms, for each base |
/// | index, 48 bytes a record | place (8), bytes of the head (4), of all (4), layers (2), columns (1), 0 (1), hashes of up to twelve columns (2 each), rows of the embedding (4) |
///
/// A head has name, revision, licence, number of parents and each, container; layers (2), columns (1) and of each its
/// role, rows (4) and columns (4); rows (4), columns (4) and signs (8) of the embedding; place (8), bytes (4) and hash
/// (8) of the values; number of norms (1); from version 2, bytes of the digest of its weights (1; 0 or 32) and the digest.
/// Texts have their length (2) before them. The sign planes are four, each two
/// bytes of every word, layer by layer, column by column: the first plane alone tells most unrelated bases apart, so that
/// a look through thousands reads half a kilobyte each. The norms are F32.
///
/// A record of 226 matrices takes 2.1 KB, one of 560 takes 4.8 KB.
///
/// The file of values is named as the registry with `.values` added: `MSCANVAL`, version (4), 0 (4), the registry's
/// identity (8), then sketches one behind the other; see ``SketchCoding``.
public struct RegistryFile: Sendable {
  static let magic = Array("MSCANREG".utf8)
  static let valuesMagic = Array("MSCANVAL".utf8)
  static let version: UInt32 = 2
  static let headerBytes = 32
  static let valuesHeaderBytes = 24
  static let indexEntryBytes = 48
  static let indexHashes = 12
  /// Records of one file. Count; 1,000,000: some two gigabytes.
  static let recordLimit = 1_000_000
  /// One record. Bytes; 64 KiB: ten times the largest that is written.
  static let recordBytes = 64 << 10
  /// Values of one base. Bytes; 64 MiB: the largest models take 2 MB.
  static let valuesBytes = 64 << 20

  /// Why a registry cannot be used.
  public struct Failure: Error, Sendable, Hashable {
    public var message: String
    public init(message: String) { self.message = message }
  }

  struct IndexEntry: Sendable {
    var offset: Int
    var headBytes: Int
    var bytes: Int
    var layers: Int
    var columnCount: Int
    var hashes: [UInt16]
    var embeddingRows: Int
  }

  let source: ByteSource
  let values: ByteSource?
  let identity: UInt64
  let index: [IndexEntry]

  public var count: Int { index.count }

  /// - Parameters:
  ///   - source: the registry.
  ///   - values: the file of values beside it; nil when there is none.
  public init(_ source: ByteSource, values: ByteSource? = nil) throws(Failure) {
    let head = source.prefix(Self.headerBytes)
    guard head.count == Self.headerBytes, head.starts(with: Self.magic) else {
      throw Failure(message: "this is no registry; 'fingerprint --output' writes one")
    }
    var reader = RecordReader(Array(head.dropFirst(8)))
    guard let version = reader.number(4), (1...Int(Self.version)).contains(version) else {
      throw Failure(message: "the registry is of another version; write it anew with 'fingerprint --output'")
    }
    guard let count = reader.number(4), count <= Self.recordLimit, let place = reader.number(8),
      let identity = reader.wide(),
      let bytes = try? source.bytes(
        ByteRange(at: place, count: count * Self.indexEntryBytes), limit: Self.recordLimit * Self.indexEntryBytes)
    else { throw Failure(message: "the registry is damaged: its index is not where it says") }
    var entries = RecordReader(bytes)
    var index: [IndexEntry] = []
    index.reserveCapacity(count)
    for _ in 0..<count {
      guard let entry = Self.indexEntry(&entries), entry.bytes <= Self.recordBytes, entry.headBytes <= entry.bytes,
        entry.columnCount <= 255
      else { throw Failure(message: "the registry is damaged: record \(index.count + 1) has no place") }
      index.append(entry)
    }
    self.source = source
    self.identity = identity
    self.index = index
    self.values = values.flatMap { file in
      var head = RecordReader(file.prefix(Self.valuesHeaderBytes))
      guard head.take(8) == ArraySlice(Self.valuesMagic), (1...Int(Self.version)).contains(head.number(4) ?? 0),
        head.number(4) == 0,
        head.wide() == identity
      else { return nil }
      return file
    }
  }

  private static func indexEntry(_ reader: inout RecordReader) -> IndexEntry? {
    guard let offset = reader.number(8), let head = reader.number(4), let bytes = reader.number(4),
      let layers = reader.number(2), let columns = reader.number(1), reader.number(1) != nil
    else { return nil }
    var hashes: [UInt16] = []
    for _ in 0..<indexHashes {
      guard let hash = reader.number(2) else { return nil }
      hashes.append(UInt16(truncatingIfNeeded: hash))
    }
    guard let rows = reader.number(4) else { return nil }
    return IndexEntry(
      offset: offset, headBytes: head, bytes: bytes, layers: layers, columnCount: columns,
      hashes: Array(hashes.prefix(columns)), embeddingRows: rows)
  }

  static func hash(_ column: Signs.Column) -> UInt16 {
    var hash = StableHash()
    hash.combine(column.role)
    for part in [column.rows, column.columns] {
      for shift in stride(from: 0, to: 64, by: 8) { hash.combine(UInt8(truncatingIfNeeded: part >> shift)) }
    }
    return UInt16(truncatingIfNeeded: hash.value)
  }

  // MARK: Records

  /// How much of a record is read.
  enum Depth {
    case head, firstPlane, whole
    /// The head, and the norms behind the planes.
    case norms
  }

  /// A record; nil when it is damaged.
  func record(_ number: Int, _ depth: Depth) -> RegistryRecord? {
    guard index.indices.contains(number) else { return nil }
    let entry = index[number]
    let words = entry.layers * entry.columnCount
    let length: Int =
      switch depth {
      case .head, .norms: entry.headBytes
      case .firstPlane: min(entry.bytes, entry.headBytes + 2 * words)
      case .whole: entry.bytes
      }
    guard let bytes = try? source.bytes(ByteRange(at: entry.offset, count: length), limit: Self.recordBytes) else {
      return nil
    }
    guard depth == .norms else { return Self.decode(bytes, headBytes: entry.headBytes, depth) }
    guard var record = Self.decode(bytes, headBytes: entry.headBytes, .head) else { return nil }
    let planes = entry.headBytes + 8 * words
    guard planes <= entry.bytes,
      let tail = try? source.bytes(
        ByteRange(at: entry.offset + planes, count: entry.bytes - planes), limit: Self.recordBytes)
    else { return nil }
    ElementType.float32.decode(tail, into: &record.norms)
    return record
  }

  static func decode(_ bytes: [UInt8], headBytes: Int, _ depth: Depth) -> RegistryRecord? {
    var reader = RecordReader(bytes)
    guard let name = reader.text(), let revision = reader.text(), let license = reader.text(),
      let parentCount = reader.number(1)
    else { return nil }
    var parents: [String] = []
    for _ in 0..<parentCount {
      guard let parent = reader.text() else { return nil }
      parents.append(parent)
    }
    guard let container = reader.text(), let layers = reader.number(2), let columnCount = reader.number(1) else {
      return nil
    }
    var columns: [Signs.Column] = []
    for _ in 0..<columnCount {
      guard let role = reader.text(), let rows = reader.number(4), let width = reader.number(4) else { return nil }
      columns.append(Signs.Column(role: role, rows: rows, columns: width))
    }
    guard let rows = reader.number(4), let width = reader.number(4), let word = reader.wide(),
      let place = reader.number(8), let count = reader.number(4), let hash = reader.wide(),
      let normCount = reader.number(1)
    else { return nil }
    var digest: [UInt8] = []
    if reader.position < headBytes {
      guard let count = reader.number(1), let bytes = reader.take(count) else { return nil }
      digest = Array(bytes)
    }
    guard reader.position == headBytes, digest.isEmpty || digest.count == 32 else { return nil }
    var record = RegistryRecord(
      name: name, revision: revision, license: license, parents: parents, container: container,
      signs: Signs(layers: layers, columns: columns, words: []), embedding: (rows, width, word), norms: [],
      values: count > 0 ? (place, count, hash) : nil)
    record.digest = digest
    guard depth != .head else { return record }
    let words = layers * columnCount
    record.signs.words = [UInt64](repeating: 0, count: words)
    for plane in 0..<(depth == .whole ? 4 : 1) {
      for at in 0..<words {
        guard let part = reader.number(2) else { return nil }
        record.signs.words[at] |= UInt64(part) << UInt64(16 * plane)
      }
    }
    guard depth == .whole else { return record }
    for _ in 0..<normCount {
      guard let bits = reader.number(4) else { return nil }
      record.norms.append(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    }
    return record
  }

  /// The bytes of a record, and how many of them are its head.
  static func encode(_ record: RegistryRecord) -> (bytes: [UInt8], headBytes: Int) {
    var writer = RecordWriter()
    writer.text(record.name)
    writer.text(record.revision)
    writer.text(record.license)
    let parents = record.parents.prefix(255)
    writer.number(parents.count, width: 1)
    for parent in parents { writer.text(parent) }
    writer.text(record.container)
    let columns = record.signs.columns.prefix(255)
    writer.number(record.signs.layers, width: 2)
    writer.number(columns.count, width: 1)
    for column in columns {
      writer.text(column.role)
      writer.number(column.rows, width: 4)
      writer.number(column.columns, width: 4)
    }
    writer.number(record.embedding.rows, width: 4)
    writer.number(record.embedding.columns, width: 4)
    writer.number(record.embedding.word, width: 8)
    writer.number(record.values?.offset ?? 0, width: 8)
    writer.number(record.values?.count ?? 0, width: 4)
    writer.number(record.values?.hash ?? 0, width: 8)
    let norms = record.norms.prefix(255)
    writer.number(norms.count, width: 1)
    writer.number(record.digest.count == 32 ? 32 : 0, width: 1)
    if record.digest.count == 32 { for byte in record.digest { writer.number(byte, width: 1) } }
    let head = writer.bytes.count
    for plane in 0..<4 {
      for word in record.signs.words { writer.number((word >> UInt64(16 * plane)) & 0xffff, width: 2) }
    }
    for norm in norms { writer.float(norm) }
    return (writer.bytes, head)
  }

  /// The values of a base; nil when they were not kept or are not those of the record.
  func sketch(of record: RegistryRecord) -> Sketch? {
    guard let values, let place = record.values, place.count <= Self.valuesBytes,
      let bytes = try? values.bytes(ByteRange(at: place.offset, count: place.count), limit: Self.valuesBytes),
      Self.hash(bytes) == place.hash
    else { return nil }
    return SketchCoding.decode(bytes)
  }

  static func hash(_ bytes: [UInt8]) -> UInt64 {
    var hash = StableHash()
    for byte in bytes { hash.combine(byte) }
    return hash.value
  }

  /// A registry of the given records, whole.
  static func encode(_ records: [RegistryRecord], identity: UInt64) -> [UInt8] {
    var body = RecordWriter()
    var index = RecordWriter()
    var all: [UInt8] = []
    for record in records {
      let (bytes, head) = encode(record)
      index.number(headerBytes + all.count, width: 8)
      index.number(head, width: 4)
      index.number(bytes.count, width: 4)
      index.number(record.signs.layers, width: 2)
      let columns = record.signs.columns.prefix(255)
      index.number(columns.count, width: 1)
      index.number(0, width: 1)
      for place in 0..<indexHashes { index.number(place < columns.count ? hash(columns[place]) : 0, width: 2) }
      index.number(record.embedding.rows, width: 4)
      all += bytes
    }
    body.number(version, width: 4)
    body.number(records.count, width: 4)
    body.number(headerBytes + all.count, width: 8)
    body.number(identity, width: 8)
    return magic + body.bytes + all + index.bytes
  }
}

/// Little-endian numbers and short texts out of bytes; nil behind the end.
struct RecordReader {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= bytes.count - position else { return nil }
    defer { position += count }
    return bytes[position..<(position + count)]
  }

  /// Up to eight bytes; nil when it passes 63 bits.
  mutating func number(_ width: Int) -> Int? {
    guard let part = take(width) else { return nil }
    return Int(exactly: part.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  mutating func wide() -> UInt64? {
    take(8).map { $0.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
  }

  mutating func text() -> String? {
    guard let count = number(2), let part = take(count) else { return nil }
    return String(validating: part, as: UTF8.self)
  }
}
