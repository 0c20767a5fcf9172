import MScanBytes

/// A link of a group: a name, and what it leads to.
struct HDF5Link {
  enum Target {
    /// File offset of an object header.
    case hard(Int)
    /// A path in the same file.
    case soft(String)
    /// An object of another file.
    case external(file: String)
    /// A class of link that an application registers; by its number.
    case userDefined(UInt8)
  }

  var name: String
  var target: Target
  var range: ByteRange

  /// Bytes of a name that are kept; 1,024.
  static let nameLimit = 1024

  static func text(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes.prefix(nameLimit), as: UTF8.self)
  }

  /// A link message (version 1): flags, type and creation order and character set as the flags say, name, target.
  static func read(_ message: HDF5Message, _ file: HDF5File) throws(ParseFailure) -> HDF5Link {
    var cursor = message.cursor
    _ = try HDF5File.expect(version: 1...1, &cursor, "link-version")
    let flags = try cursor.readUInt8("link-flags")
    let type = flags & 8 != 0 ? try cursor.readUInt8("link-type") : 0
    if flags & 4 != 0 { try cursor.skip(8, "creation-order") }
    if flags & 16 != 0 { try cursor.skip(1, "link-name-character-set") }
    let length = try cursor.readLittleEndian(1 &<< Int(flags & 3), "length-of-link-name")
    let name = text(try cursor.slice(length, "link-name"))
    let target: Target
    switch type {
    case 0:
      guard let offset = try file.readOffset(&cursor, "object-header-address") else {
        throw ParseFailure(.malformed, "object-header-address", at: message.start)
      }
      target = .hard(offset)
    case 1:
      let count = try cursor.readUInt16("length-of-soft-link")
      target = .soft(text(try cursor.slice(count, "soft-link")))
    case 64:
      let count = try cursor.readUInt16("length-of-external-link")
      // A byte of version and flags, the file, the object's path in it.
      target = .external(file: text(try cursor.slice(count, "external-link").dropFirst().prefix { $0 != 0 }))
    default: target = .userDefined(type)
    }
    return HDF5Link(name: name, target: target, range: message.range)
  }
}

/// The links of a group that has a symbol table: a B-tree (version 1) of symbol nodes, and a local heap of names.
struct HDF5SymbolTable {
  private let heap: HDF5LocalHeap
  private let root: Int
  private let limit: Int
  private(set) var links: [HDF5Link] = []

  /// - Parameter limit: links that may be read.
  init(_ file: inout HDF5File, _ message: HDF5Message, limit: Int) throws(ParseFailure) {
    var cursor = message.cursor
    guard let root = try file.readOffset(&cursor, "b-tree-address"),
      let heap = try file.readOffset(&cursor, "local-heap-address")
    else { throw ParseFailure(.malformed, "symbol-table", at: message.start) }
    self.root = root
    self.heap = try HDF5LocalHeap(&file, at: heap)
    self.limit = limit
  }

  /// Reads all links; those before a failure stay in ``links``.
  mutating func read(_ file: inout HDF5File) throws(ParseFailure) {
    var waiting = [root]
    var seen: Set<Int> = []
    while let start = waiting.popLast() {
      guard seen.insert(start).inserted else { throw ParseFailure(.malformed, "b-tree-child", at: start) }
      var head = try file.read(at: start, 4, "b-tree-signature")
      let signature = try head.slice(4, "b-tree-signature")
      if signature.elementsEqual("SNOD".utf8) {
        try readNode(&file, at: start)
      } else {
        waiting += try readTree(&file, at: start).reversed()
      }
    }
  }

  private func readTree(_ file: inout HDF5File, at start: Int) throws(ParseFailure) -> [Int] {
    let prefix = 8 &+ 2 &* file.offsetSize
    var cursor = try file.read(at: start, prefix, "b-tree")
    try HDF5File.expect("TREE", &cursor, "b-tree-signature")
    guard try cursor.readUInt8("node-type") == 0 else { throw ParseFailure(.malformed, "node-type", at: start &+ 4) }
    try cursor.skip(1, "node-level")
    let entries = Int(try cursor.readUInt16("entries-used"))
    let pair = file.lengthSize &+ file.offsetSize
    var rest = try file.read(at: start &+ prefix, entries &* pair, "b-tree-entries")
    file.own(
      start, rest.offset &+ rest.remaining &- start,
      allocated: prefix &+ file.superblock.nodeEntries &* pair &+ file.lengthSize)
    var children: [Int] = []
    for _ in 0..<entries {
      try rest.skip(file.lengthSize, "key")
      if let child = try file.readOffset(&rest, "b-tree-child") { children.append(child) }
    }
    return children
  }

  private mutating func readNode(_ file: inout HDF5File, at start: Int) throws(ParseFailure) {
    var cursor = try file.read(at: start, 8, "symbol-table-node")
    try HDF5File.expect("SNOD", &cursor, "symbol-table-node")
    _ = try HDF5File.expect(version: 1...1, &cursor, "symbol-table-node-version")
    try cursor.skip(1, "reserved")
    let symbols = Int(try cursor.readUInt16("number-of-symbols"))
    let width = 2 &* file.offsetSize &+ 24
    var entries = try file.read(at: start &+ 8, symbols &* width, "symbol-table-entries")
    file.own(start, 8 &+ symbols &* width, allocated: 8 &+ file.superblock.leafEntries &* width)
    for _ in 0..<symbols {
      guard links.count < limit else { throw ParseFailure(.limitExceeded, "hdf5Objects", at: entries.offset) }
      let place = entries.offset
      let nameOffset = try entries.readLittleEndian(file.offsetSize, "link-name-offset")
      let header = try entries.readAddress(file.offsetSize, "object-header-address")
      let cache = try entries.readUInt32("cache-type")
      try entries.skip(4, "reserved")
      var scratch = ByteCursor(Array(try entries.slice(16, "scratch-pad")), base: place)
      let name = try heap.text(&file, at: nameOffset)
      let target: HDF5Link.Target
      if cache == 2 {
        target = .soft(try heap.text(&file, at: UInt64(try scratch.readUInt32("offset-to-link-value"))))
      } else if let header {
        target = .hard(try file.offset(of: header, "object-header-address", at: place))
      } else {
        throw ParseFailure(.malformed, "object-header-address", at: place)
      }
      links.append(HDF5Link(name: name, target: target, range: ByteRange(at: place, count: width)))
    }
  }
}

/// A local heap: `HEAP 00`, 3 reserved, size and free list of the data segment, its address. Names in it end in NUL.
struct HDF5LocalHeap {
  private let segment: ByteRange
  /// Bytes of a name that are looked through; 65,536: the longest link name libhdf5 writes.
  private static let nameLimit = 1 << 16

  init(_ file: inout HDF5File, at start: Int) throws(ParseFailure) {
    let count = 8 &+ 2 &* file.lengthSize &+ file.offsetSize
    var cursor = try file.read(at: start, count, "local-heap")
    try HDF5File.expect("HEAP", &cursor, "local-heap-signature")
    try cursor.skip(4, "local-heap-version")
    let size = try file.readLength(&cursor, "data-segment-size")
    try cursor.skip(file.lengthSize, "free-list-head")
    guard let data = try file.readOffset(&cursor, "data-segment-address") else {
      throw ParseFailure(.malformed, "data-segment-address", at: start)
    }
    file.own(start, count)
    file.own(data, size)
    segment = ByteRange(at: data, count: size)
  }

  /// The text at `offset` of the data segment.
  func text(_ file: inout HDF5File, at offset: UInt64) throws(ParseFailure) -> String {
    guard let step = Int(exactly: offset), step < segment.count else {
      throw ParseFailure(.malformed, "local-heap-offset", at: segment.start)
    }
    let start = segment.start &+ step
    var length = 64
    while true {
      let count = min(length, segment.end &- start, max(0, file.size &- start))
      let cursor = try file.read(at: start, count, "local-heap-name")
      if let end = cursor.bytes.firstIndex(of: 0) { return HDF5Link.text(cursor.bytes[..<end]) }
      guard count == length, length < Self.nameLimit else {
        throw ParseFailure(.malformed, "local-heap-name", at: start)
      }
      length = length &* 4
    }
  }
}
