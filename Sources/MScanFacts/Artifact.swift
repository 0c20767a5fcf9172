public import MScanBytes

/// Something with bytes of its own: a file on disk, or what a container, a pickle or a text holds.
public struct Artifact: Sendable, Hashable {
  /// How the bytes lie in the parent.
  public enum Encoding: String, Sendable, Hashable {
    case stored, deflate, gzip, bzip2, xz, lzma, zstd, lz4, base64, hex, jsonString, pickleBytes
    /// Members of a 7z archive, which are packed many at a time.
    case sevenZip = "7z"
    /// The parts of a tar member that has holes.
    case sparse
    /// Put together from several places of the parent.
    case pieces
    /// The same bytes as the parent, read as another loader reads them.
    case reading
  }

  /// The encoding of what is compressed with a codec.
  public static func encoding(of codec: Codec) -> Encoding {
    switch codec {
    case .deflate, .zlib: .deflate
    case .gzip: .gzip
    case .bzip2: .bzip2
    case .xz: .xz
    case .lzma, .filters: .lzma
    case .zstd: .zstd
    case .lz4, .lz4Legacy: .lz4
    }
  }

  /// The name of this step: a member's path, `bytes at 0x1c`, `as joblib reads it`. For a file, its path as reported.
  public var name: String
  /// Index of the parent in the same table; nil for a file on disk.
  public var parent: Int?
  /// Encoded bytes in the parent.
  public var rangeInParent: ByteRange?
  public var encoding: Encoding
  /// Format id, as `Identify` found it; empty while unknown.
  public var format: String
  /// Decoded bytes.
  public var size: Int
  /// Where a text with escapes goes on in step with its parent: decoded bytes to bytes of the parent, in rising order.
  /// Empty when the one says nothing about the other.
  public var offsets: [OffsetStep] = []
  /// What a container was laid out as, in its reader's words: `torchscript-archive`, `torch-package`; empty for others.
  public var layout: [String] = []

  /// From here to the next step, both advance byte for byte.
  public struct OffsetStep: Sendable, Hashable {
    public var decoded: Int
    public var parent: Int

    public init(decoded: Int, parent: Int) {
      self.decoded = decoded
      self.parent = parent
    }
  }

  /// The parent's bytes for a range of decoded ones; nil without ``offsets``.
  func inParent(_ range: ByteRange) -> ByteRange? {
    guard let place = rangeInParent, !offsets.isEmpty else { return nil }
    func offset(_ decoded: Int) -> Int {
      var (low, high) = (0, offsets.count)
      while low + 1 < high {
        let middle = (low + high) / 2
        if offsets[middle].decoded <= decoded { low = middle } else { high = middle }
      }
      return min(offsets[low].parent + max(0, decoded - offsets[low].decoded), place.end)
    }
    let start = offset(range.start)
    return ByteRange(start, max(start, offset(range.end)))
  }

  public init(
    name: String, parent: Int? = nil, rangeInParent: ByteRange? = nil, encoding: Encoding = .stored,
    format: String = "", size: Int
  ) {
    self.name = name
    self.parent = parent
    self.rangeInParent = rangeInParent
    self.encoding = encoding
    self.format = format
    self.size = size
  }
}

/// The artifacts of a scan, parents before children. Rows never move.
public struct ArtifactTable: Sendable {
  public private(set) var rows: [Artifact] = []

  public init() {}

  @discardableResult
  public mutating func append(_ artifact: Artifact) -> Int {
    rows.append(artifact)
    return rows.count - 1
  }

  public mutating func setFormat(_ format: String, of index: Int) {
    guard rows.indices.contains(index) else { return }
    rows[index].format = format
  }

  public mutating func setLayout(_ layout: [String], of index: Int) {
    guard rows.indices.contains(index) else { return }
    rows[index].layout = layout
  }

  public subscript(index: Int) -> Artifact? { rows.indices.contains(index) ? rows[index] : nil }

  /// The file on disk that holds the artifact.
  public func file(of index: Int) -> String {
    var at = index
    while let row = self[at] {
      guard let parent = row.parent, parent < at else { return row.name }
      at = parent
    }
    return ""
  }

  /// Names of the steps below the file, outermost first; empty for the file itself.
  public func chain(of index: Int) -> [String] {
    var names: [String] = []
    var at = index
    while let row = self[at], let parent = row.parent, parent < at {
      names.append(row.name)
      at = parent
    }
    return names.reversed()
  }

  /// Levels below the file on disk; 0 for the file.
  public func depth(of index: Int) -> Int { chain(of: index).count }

  /// Where `range` of an artifact lies in the file on disk. `exact` while every step between is stored byte for byte;
  /// at an encoded step the range widens to that whole member.
  public func onDisk(_ index: Int, _ range: ByteRange) -> (range: ByteRange, exact: Bool) {
    var at = index
    var range = range
    var exact = true
    while let row = self[at], let parent = row.parent, parent < at {
      guard let place = row.rangeInParent else { return (ByteRange(0, 0), false) }
      switch row.encoding {
      case .stored, .pickleBytes, .reading:
        range = ByteRange(at: place.start + min(range.start, place.count), count: min(range.count, place.count))
      case .deflate, .gzip, .bzip2, .xz, .lzma, .zstd, .lz4, .sevenZip, .sparse, .base64, .hex, .jsonString,
        .pieces:
        if let mapped = row.inParent(range) {
          range = mapped
        } else {
          range = place
          exact = false
        }
      }
      at = parent
    }
    return (range, exact)
  }
}
