import MScanBytes
public import MScanFacts

/// HDF5 (File Format Specification 1.0 to 4.0): groups of named objects with attributes, and datasets. Keras models and
/// weights, MATLAB 7.3 and netCDF-4 are HDF5. Of datasets those elements are read that can be a pickle: bytes, and lists of
/// bytes.
///
/// The reader is our own: libhdf5 aims at reading well-formed files completely, has a long history of memory errors on
/// hostile ones, and loads shared libraries for filters it does not know. What a scanner needs of a file (object headers,
/// links, attributes) is a small part of it, reads in bounds-checked code, and adds nothing to a static binary.
///
/// An attribute is a `value` fact; its key path is the object's path with dots for slashes, then the attribute's name:
/// `model_config`, `model_weights.dense_1.weight_names`. A dataset is a `tensor` fact named by its path without the
/// first slash. Soft and external links, external files and the sources of virtual datasets are `reference` facts.
/// A filter is the `operation` `hdf5.filter.N` with the filter's number. Text that is a JSON document, and bytes that are a
/// pickle or an archive, are child artifacts.
public enum HDF5Format: Format {
  public static let id = "hdf5"

  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    do throws(ParseFailure) {
      guard let start = superblockOffset(input.source) else { throw ParseFailure(.malformed, "signature", at: 0) }
      if isPlaceholder(input.source) { return statePlaceholder(input, into: &sink) }
      let superblock = try HDF5Superblock(input.source, at: start)
      var walk = HDF5Walk(input, superblock)
      walk.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }

  /// Bytes of a file that may be a placeholder; 1 MiB.
  private static let placeholderLimit = 1 << 20

  /// Whether nothing but zeros follows the signature: no reader gets anything out of it.
  private static func isPlaceholder(_ source: ByteSource) -> Bool {
    guard source.count <= placeholderLimit, source.count > 16, source.prefix(16, at: 8).allSatisfy({ $0 == 0 }) else {
      return false
    }
    return source.prefix(source.count, at: 8).allSatisfy { $0 == 0 }
  }

  private static func statePlaceholder(_ input: ArtifactInput, into sink: inout FactBuffer) {
    sink.emit(
      .anomaly(
        AnomalyFact(subject: "hdf5.placeholder", field: "superblock-version", detail: "a signature and zeros")),
      artifact: input.index, range: ByteRange(0, input.source.count), place: .whole)
  }

  /// Where the signature stands: at 0, or behind a user block of 512 bytes or that doubled any number of times.
  static func superblockOffset(_ source: ByteSource) -> Int? {
    if source.prefix(8) == signature { return 0 }
    var at = 512
    while at < source.count {
      if source.prefix(8, at: at) == signature { return at }
      let (next, overflow) = at.multipliedReportingOverflow(by: 2)
      if overflow { return nil }
      at = next
    }
    return nil
  }
}

/// The superblock, versions 0 to 3: widths of the numbers in the file, and where its root group is.
///
/// Addresses count from the superblock, so `base` is added to each. Worked example (version 0, 8-byte numbers):
/// `89 48 44 46 0d 0a 1a 0a`, four versions and the widths `00 00 00 00 00 08 08 00`, `04 00` leaf K, `10 00` internal K,
/// flags, base, free space, end of file, driver block, then the root's entry: name offset, **object header**, cache.
struct HDF5Superblock {
  /// File offset of the signature.
  let base: Int
  let version: Int
  /// Bytes of an address, and of a length: 2, 4 or 8.
  private(set) var offsetSize = 8
  private(set) var lengthSize = 8
  /// Twice K: entries that a group's leaf and its tree nodes have room for.
  private(set) var leafEntries = 8
  private(set) var nodeEntries = 32
  private(set) var statedBase: UInt64?
  private(set) var endOfFile: UInt64?
  /// File offsets; nil when there is none.
  private(set) var root: UInt64?
  private(set) var superblockExtension: UInt64?
  private(set) var driverBlock: UInt64?
  /// First byte behind the superblock.
  private(set) var end: Int

  init(_ source: ByteSource, at base: Int) throws(ParseFailure) {
    self.base = base
    var cursor = ByteCursor(source.prefix(256, at: base), base: base)
    try cursor.skip(8, "signature")
    version = Int(try cursor.readUInt8("superblock-version"))
    end = cursor.offset
    switch version {
    case 0, 1: try readSymbolTableKind(&cursor)
    case 2, 3: try readObjectHeaderKind(&cursor)
    default: throw ParseFailure(.unsupported, "superblock-version", at: base &+ 8)
    }
    end = cursor.offset
  }

  private mutating func readSymbolTableKind(_ cursor: inout ByteCursor) throws(ParseFailure) {
    try cursor.skip(4, "superblock-version")
    try readWidths(&cursor)
    try cursor.skip(1, "reserved")
    leafEntries = 2 &* Int(try cursor.readUInt16("group-leaf-node-K"))
    nodeEntries = 2 &* Int(try cursor.readUInt16("group-internal-node-K"))
    try cursor.skip(4, "file-consistency-flags")
    if version == 1 { try cursor.skip(4, "indexed-storage-internal-node-K") }
    statedBase = try cursor.readAddress(offsetSize, "base-address")
    _ = try cursor.readAddress(offsetSize, "free-space-address")
    endOfFile = try cursor.readAddress(offsetSize, "end-of-file-address")
    driverBlock = try cursor.readAddress(offsetSize, "driver-information-address")
    _ = try cursor.readAddress(offsetSize, "link-name-offset")
    root = try cursor.readAddress(offsetSize, "object-header-address")
    try cursor.skip(24, "root-symbol-table-entry")
  }

  private mutating func readObjectHeaderKind(_ cursor: inout ByteCursor) throws(ParseFailure) {
    try readWidths(&cursor)
    try cursor.skip(1, "file-consistency-flags")
    statedBase = try cursor.readAddress(offsetSize, "base-address")
    superblockExtension = try cursor.readAddress(offsetSize, "superblock-extension-address")
    endOfFile = try cursor.readAddress(offsetSize, "end-of-file-address")
    root = try cursor.readAddress(offsetSize, "root-object-header-address")
    try cursor.skip(4, "checksum")
  }

  private mutating func readWidths(_ cursor: inout ByteCursor) throws(ParseFailure) {
    let at = cursor.offset
    offsetSize = Int(try cursor.readUInt8("size-of-offsets"))
    lengthSize = Int(try cursor.readUInt8("size-of-lengths"))
    guard [2, 4, 8].contains(offsetSize), [2, 4, 8].contains(lengthSize) else {
      throw ParseFailure(.unsupported, "size-of-offsets", at: at)
    }
  }
}

extension ByteCursor {
  /// An address; nil for the undefined one, all bits set.
  mutating func readAddress(_ width: Int, _ field: StaticString) throws(ParseFailure) -> UInt64? {
    let value = try readLittleEndian(width, field)
    let undefined = width >= 8 ? UInt64.max : (UInt64(1) &<< UInt64(width &* 8)) &- 1
    return value == undefined ? nil : value
  }
}
