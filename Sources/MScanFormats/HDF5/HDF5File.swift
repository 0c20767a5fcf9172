import MScanBytes

/// The bytes of an HDF5 file: reads of structures by file offset, a budget for them, and who owns what was read.
struct HDF5File {
  /// A structure: the bytes it uses, and those that are set aside for it.
  struct Extent: Comparable {
    var start: Int
    var used: Int
    var end: Int

    static func < (a: Extent, b: Extent) -> Bool { (a.start, a.end) < (b.start, b.end) }
  }

  /// Bytes of a page of the cache, and pages in it: structures lie close together and are gone back to.
  private static let pageSize = 128
  private static let pageCount = 256
  /// Extents that are kept; beyond, gaps are not looked for.
  private static let extentLimit = 1 << 19

  let source: ByteSource
  let superblock: HDF5Superblock
  /// Structure bytes that may still be read; ``Limits/hdf5Structures``.
  private(set) var bytesLeft: Int
  private(set) var extents: [Extent] = []
  /// Whether every structure read has its extent in `extents`.
  private(set) var hasAllExtents = true
  /// The page in each slot, and its number; a page goes to the slot of its number modulo ``pageCount``.
  private var pages = [[UInt8]](repeating: [], count: pageCount)
  private var pageNumbers = [Int](repeating: -1, count: pageCount)

  var size: Int { source.count }
  var offsetSize: Int { superblock.offsetSize }
  var lengthSize: Int { superblock.lengthSize }

  init(_ source: ByteSource, _ superblock: HDF5Superblock, limits: Limits) {
    self.source = source
    self.superblock = superblock
    bytesLeft = limits.hdf5Structures
  }

  /// The file offset of an address.
  ///
  /// - Throws: `malformed` when it is outside the file.
  func offset(of address: UInt64, _ field: StaticString, at place: Int) throws(ParseFailure) -> Int {
    guard let relative = Int(exactly: address) else { throw ParseFailure(.malformed, field, at: place) }
    let (offset, overflow) = superblock.base.addingReportingOverflow(relative)
    guard !overflow, offset < size else { throw ParseFailure(.malformed, field, at: place) }
    return offset
  }

  /// Takes `count` bytes from the budget.
  mutating func charge(_ count: Int, at place: Int) throws(ParseFailure) {
    guard count <= bytesLeft else { throw ParseFailure(.limitExceeded, "hdf5Structures", at: place) }
    bytesLeft &-= max(0, count)
  }

  /// A cursor over exactly `count` bytes at file offset `start`.
  ///
  /// - Throws: `truncated` when the file ends before, `limitExceeded` when the budget does.
  mutating func read(at start: Int, _ count: Int, _ field: StaticString) throws(ParseFailure) -> ByteCursor {
    let (end, overflow) = start.addingReportingOverflow(count)
    guard start >= 0, count >= 0, !overflow, end <= size else { throw ParseFailure(.truncated, field, at: start) }
    try charge(max(count, 8), at: start)
    if count >= 8 &* Self.pageSize {
      return ByteCursor(try source.bytes(ByteRange(start, end), limit: count, field: field), base: start)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    var at = start
    while at < end {
      let number = at / Self.pageSize
      let slot = number % Self.pageCount
      if pageNumbers[slot] != number {
        source.read(at: number &* Self.pageSize, count: Self.pageSize, into: &pages[slot])
        pageNumbers[slot] = number
      }
      let from = at &- number &* Self.pageSize
      let upTo = min(Self.pageSize, from &+ end &- at)
      guard upTo <= pages[slot].count else { throw ParseFailure(.unreadable, field, at: start) }
      bytes += pages[slot][from..<upTo]
      at = at &+ upTo &- from
    }
    return ByteCursor(bytes, base: start)
  }

  /// Notes that `used` bytes at `start` belong to a structure, which has `allocated` bytes set aside.
  mutating func own(_ start: Int, _ used: Int, allocated: Int? = nil) {
    guard extents.count < Self.extentLimit else {
      hasAllExtents = false
      return
    }
    let whole = ByteRange(at: start, count: max(used, allocated ?? used))
    extents.append(
      Extent(start: start, used: min(size, ByteRange(at: start, count: used).end), end: min(size, whole.end)))
  }

  /// The extents in order of their start, equal ones once.
  mutating func sortedExtents() -> [Extent] {
    extents.sort()
    var kept: [Extent] = []
    for extent in extents where kept.last != extent { kept.append(extent) }
    return kept
  }

  // MARK: Fields

  /// An address field as a file offset; nil when it is undefined.
  func readOffset(_ cursor: inout ByteCursor, _ field: StaticString) throws(ParseFailure) -> Int? {
    let place = cursor.offset
    guard let address = try cursor.readAddress(offsetSize, field) else { return nil }
    return try offset(of: address, field, at: place)
  }

  /// A length field.
  ///
  /// - Throws: `malformed` when it is longer than the file.
  func readLength(_ cursor: inout ByteCursor, _ field: StaticString) throws(ParseFailure) -> Int {
    let place = cursor.offset
    let value = try cursor.readLittleEndian(lengthSize, field)
    guard let length = Int(exactly: value), length <= size else { throw ParseFailure(.malformed, field, at: place) }
    return length
  }

  static func expect(_ signature: String, _ cursor: inout ByteCursor, _ field: StaticString) throws(ParseFailure) {
    let place = cursor.offset
    guard try cursor.slice(4, field).elementsEqual(signature.utf8) else {
      throw ParseFailure(.malformed, field, at: place)
    }
  }

  static func expect(
    version: ClosedRange<UInt8>, _ cursor: inout ByteCursor, _ field: StaticString
  ) throws(ParseFailure) -> UInt8 {
    let place = cursor.offset
    let value = try cursor.readUInt8(field)
    guard version.contains(value) else { throw ParseFailure(.unsupported, field, at: place) }
    return value
  }
}
