/// A known base as a registry keeps it.
public struct RegistryRecord: Sendable {
  /// `org/name`.
  public var name: String
  /// The revision it was taken at; empty while unknown.
  public var revision: String
  public var license: String
  /// What it declares to be made from.
  public var parents: [String]
  public var container: String
  var signs: Signs
  /// Shape and signs of the embedding; a rows of 0 for none.
  var embedding: (rows: Int, columns: Int, word: UInt64)
  var norms: [Float]
  /// Where its values are in the file of values, with a hash of them; nil when there are none.
  var values: (offset: Int, count: Int, hash: UInt64)?
  /// SHA-256 of its weights, 32 bytes: of the one file, or of the digests of its files in byte order, one behind the other.
  /// Empty while unknown.
  public var digest: [UInt8] = []

  public init(
    name: String, revision: String = "", license: String = "", parents: [String] = [], sketch: Sketch
  ) {
    self.name = name
    self.revision = revision
    self.license = license
    self.parents = parents
    container = sketch.container
    signs = Signs(sketch)
    embedding = Self.embedding(of: sketch)
    norms = sketch.embedding?.norms ?? []
  }

  init(
    name: String, revision: String, license: String, parents: [String], container: String, signs: Signs,
    embedding: (rows: Int, columns: Int, word: UInt64), norms: [Float],
    values: (offset: Int, count: Int, hash: UInt64)?
  ) {
    self.name = name
    self.revision = revision
    self.license = license
    self.parents = parents
    self.container = container
    self.signs = signs
    self.embedding = embedding
    self.norms = norms
    self.values = values
  }

  /// Bytes that it takes in a registry, its index entry included.
  public var byteCount: Int { RegistryFile.encode(self).bytes.count + RegistryFile.indexEntryBytes }

  static func embedding(of sketch: Sketch) -> (rows: Int, columns: Int, word: UInt64) {
    guard let (entry, values) = sketch.sample(.embedding) else { return (0, 0, 0) }
    return (entry.rows, entry.columns, Signs.word(values))
  }
}

/// Little-endian numbers and short texts into bytes.
struct RecordWriter {
  private(set) var bytes: [UInt8] = []

  mutating func number(_ value: some BinaryInteger, width: Int) {
    var rest = UInt64(clamping: value)
    for _ in 0..<width {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// Up to 65,535 bytes, their count before them.
  mutating func text(_ value: String) {
    let utf8 = Array(value.utf8.prefix(65_535))
    number(utf8.count, width: 2)
    bytes += utf8
  }

  mutating func float(_ value: Float) { number(value.bitPattern, width: 4) }
}
