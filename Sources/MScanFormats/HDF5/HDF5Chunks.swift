import MScanBytes

/// The chunked layout of a dataset: the size of a chunk, and the index that says where each is.
struct HDF5ChunkLayout {
  enum Index {
    /// Version 3 and before: a B-tree of version 1.
    case tree
    /// Version 4 and later. A filtered single chunk states its size and the filters it was not given to.
    case single(size: Int?, mask: UInt32)
    case implicit
    case fixedArray
    case extensibleArray
    case tree2
  }

  var index: Index
  /// File offset of the index or of the one chunk; nil when nothing was written.
  var start: Int?
  /// Extents of a chunk in elements, without the element's own.
  var dimensions: [UInt64]
  var elementSize: UInt64

  /// Bytes of a chunk before filters; nil when the number does not fit.
  var bytes: Int? {
    var product = elementSize
    for extent in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      product = next
    }
    return Int(exactly: product)
  }

  /// A layout of version 3 or older behind its class: in version 3 the number of extents, address, extents, of which the
  /// last is the element's size.
  ///
  /// - Parameter rank: the number of extents, which older versions have in front of the class.
  init(_ cursor: inout ByteCursor, rank: Int?, _ file: HDF5File) throws(ParseFailure) {
    let place = cursor.offset
    var count = rank ?? 0
    if rank == nil { count = Int(try cursor.readUInt8("dimensionality")) }
    start = try file.readOffset(&cursor, "chunk-index-address")
    var extents: [UInt64] = []
    for _ in 0..<count { extents.append(UInt64(try cursor.readUInt32("dimension-size"))) }
    guard let size = extents.popLast(), extents.count <= 32 else {
      throw ParseFailure(.malformed, "dimensionality", at: place)
    }
    (index, dimensions, elementSize) = (.tree, extents, size)
  }

  /// A layout of version 4 or 5 behind its class: flags, rank + 1, bytes of an extent, extents, kind of index, its
  /// parameters, address.
  init(version4 cursor: inout ByteCursor, _ file: HDF5File) throws(ParseFailure) {
    let place = cursor.offset
    let flags = try cursor.readUInt8("chunk-flags")
    let count = Int(try cursor.readUInt8("dimensionality"))
    let width = Int(try cursor.readUInt8("dimension-size-encoded-length"))
    guard (1...33).contains(count), (1...8).contains(width) else {
      throw ParseFailure(.malformed, "dimensionality", at: place)
    }
    var extents: [UInt64] = []
    for _ in 0..<count { extents.append(try cursor.readLittleEndian(width, "dimension-size")) }
    elementSize = extents.popLast() ?? 0
    dimensions = extents
    let kind = cursor.offset
    switch try cursor.readUInt8("chunk-indexing-type") {
    case 1:
      if flags & 2 != 0 {
        let size = try file.readLength(&cursor, "filtered-chunk-size")
        index = .single(size: size, mask: try cursor.readUInt32("filter-mask"))
      } else {
        index = .single(size: nil, mask: 0)
      }
    case 2: index = .implicit
    case 3:
      try cursor.skip(1, "page-bits")
      index = .fixedArray
    case 4:
      try cursor.skip(5, "extensible-array")
      index = .extensibleArray
    case 5:
      try cursor.skip(6, "b-tree")
      index = .tree2
    default: throw ParseFailure(.unsupported, "chunk-indexing-type", at: kind)
    }
    start = try file.readOffset(&cursor, "chunk-index-address")
  }
}

/// One chunk as it is stored.
struct HDF5Chunk {
  var range: ByteRange
  /// Filters of the pipeline that were not applied, from the lowest bit.
  var mask: UInt32
}

/// The chunks of a dataset, in the order of its elements where it has one dimension.
///
/// - Complexity: linear in the index, each structure once, within ``Limits/hdf5Structures`` and ``Limits/hdf5Chunks``.
struct HDF5ChunkIndex {
  private(set) var chunks: [HDF5Chunk] = []
  private let layout: HDF5ChunkLayout
  /// Bytes of a chunk that no filter changed.
  private let plain: Int
  private let isFiltered: Bool
  private let limit: Int
  private var seen: Set<Int> = []

  /// - Parameters:
  ///   - space: of the dataset.
  ///   - isFiltered: whether chunks went through filters, and entries have a size.
  init(
    _ layout: HDF5ChunkLayout, _ space: HDF5Dataspace, isFiltered: Bool, _ file: inout HDF5File, limit: Int,
    at place: Int
  ) throws(ParseFailure) {
    guard let plain = layout.bytes else { throw ParseFailure(.malformed, "dimension-size", at: place) }
    self.layout = layout
    self.plain = plain
    self.isFiltered = isFiltered
    self.limit = limit
    guard let start = layout.start else { return }
    switch layout.index {
    case .tree: try readTree(start, &file)
    case .single(let size, let mask): try add(start, size ?? plain, mask, file)
    case .implicit: try readImplicit(start, space, file)
    case .fixedArray: try readFixedArray(start, &file)
    case .extensibleArray: try readExtensibleArray(start, &file)
    case .tree2: try readTree2(start, &file)
    }
  }

  private mutating func add(_ start: Int, _ count: Int, _ mask: UInt32, _ file: HDF5File) throws(ParseFailure) {
    guard chunks.count < limit else { throw ParseFailure(.limitExceeded, "hdf5Chunks", at: start) }
    let range = ByteRange(at: start, count: count)
    guard range.end <= file.size else { throw ParseFailure(.truncated, "chunk-size", at: start) }
    chunks.append(HDF5Chunk(range: range, mask: mask))
  }

  private mutating func enter(_ start: Int, _ field: StaticString) throws(ParseFailure) {
    guard seen.insert(start).inserted else { throw ParseFailure(.malformed, field, at: start) }
  }

  // MARK: B-trees

  /// A node: `TREE 01`, level, entries (2), two siblings, then for each entry its key (stored bytes (4), filter mask (4),
  /// one offset of 8 bytes a dimension and one more) and the address of a node or, at level 0, of the chunk; a last key.
  private mutating func readTree(_ root: Int, _ file: inout HDF5File) throws(ParseFailure) {
    let head = 8 &+ 2 &* file.offsetSize
    let key = 8 &+ 8 &* (layout.dimensions.count &+ 1)
    var waiting = [(start: root, level: 64)]
    while let (start, above) = waiting.popLast() {
      try enter(start, "b-tree-child")
      var cursor = try file.read(at: start, head, "b-tree-node")
      try HDF5File.expect("TREE", &cursor, "b-tree-signature")
      guard try cursor.readUInt8("node-type") == 1 else { throw ParseFailure(.malformed, "node-type", at: start) }
      let level = Int(try cursor.readUInt8("node-level"))
      guard level < above else { throw ParseFailure(.malformed, "node-level", at: start) }
      let entries = Int(try cursor.readUInt16("entries-used"))
      let length = entries &* (key &+ file.offsetSize)
      var body = try file.read(at: start &+ head, length, "b-tree-entries")
      file.own(start, head &+ length)
      var children: [(start: Int, level: Int)] = []
      for _ in 0..<entries {
        let size = Int(try body.readUInt32("chunk-size"))
        let mask = try body.readUInt32("filter-mask")
        try body.skip(key &- 8, "chunk-offset")
        let place = body.offset
        guard let child = try file.readOffset(&body, "child-address") else {
          throw ParseFailure(.malformed, "child-address", at: place)
        }
        if level == 0 { try add(child, size, mask, file) } else { children.append((child, level)) }
      }
      waiting += children.reversed()
    }
  }

  /// Records of type 10: address, offsets; of type 11: address, size, mask, offsets.
  private mutating func readTree2(_ start: Int, _ file: inout HDF5File) throws(ParseFailure) {
    let tree = try HDF5Tree2(&file, at: start, limit: min(limit, file.bytesLeft / 8))
    guard tree.type == (isFiltered ? 11 : 10) else { throw ParseFailure(.malformed, "b-tree-type", at: start) }
    // The offsets behind are in chunks, eight bytes a dimension.
    let offsets = 8 &* layout.dimensions.count
    for index in tree.starts.indices {
      var record = tree.record(index)
      try readEntry(&record, size: tree.recordSize &- offsets, file)
    }
  }

  /// An entry of an array or a tree: an address, and with filters a size and a mask.
  private mutating func readEntry(
    _ cursor: inout ByteCursor, size: Int, _ file: HDF5File
  ) throws(ParseFailure) {
    let place = cursor.offset
    let address = try file.readOffset(&cursor, "chunk-address")
    var count = plain
    var mask: UInt32 = 0
    if isFiltered {
      let width = size &- file.offsetSize &- 4
      guard (1...8).contains(width) else { throw ParseFailure(.malformed, "element-size", at: place) }
      guard let stored = Int(exactly: try cursor.readLittleEndian(width, "chunk-size")) else {
        throw ParseFailure(.malformed, "chunk-size", at: place)
      }
      count = stored
      mask = try cursor.readUInt32("filter-mask")
    } else if size != file.offsetSize {
      throw ParseFailure(.malformed, "element-size", at: place)
    }
    if let address { try add(address, count, mask, file) }
  }

  // MARK: Arrays

  private mutating func readImplicit(_ start: Int, _ space: HDF5Dataspace, _ file: HDF5File) throws(ParseFailure) {
    var count = 1
    for (extent, chunk) in zip(space.dimensions, layout.dimensions) where chunk > 0 {
      let steps = extent / chunk &+ (extent % chunk == 0 ? 0 : 1)
      let (next, overflow) = count.multipliedReportingOverflow(by: Int(clamping: steps))
      guard !overflow else { throw ParseFailure(.limitExceeded, "hdf5Chunks", at: start) }
      count = next
    }
    var at = start
    for _ in 0..<count {
      try add(at, plain, 0, file)
      at = ByteRange(at: at, count: plain).end
    }
  }

  /// Entries one behind the other; in pages of `1 << pageBits`, each with a checksum, when there are more.
  private mutating func readEntries(
    _ count: Int, at start: Int, size: Int, pageBits: Int, _ file: inout HDF5File
  ) throws(ParseFailure) {
    guard count <= limit else { throw ParseFailure(.limitExceeded, "hdf5Chunks", at: start) }
    let page = pageBits < 32 ? 1 << pageBits : Int.max
    var left = count
    var at = start
    while left > 0 {
      let here = min(left, page)
      var cursor = try file.read(at: at, here &* size, "chunk-entries")
      for _ in 0..<here {
        var entry = ByteCursor(Array(try cursor.slice(size, "chunk-entry")), base: cursor.offset &- size)
        try readEntry(&entry, size: size, file)
      }
      let step = here &* size &+ (count > page ? 4 : 0)
      file.own(at, step)
      at = ByteRange(at: at, count: step).end
      left &-= here
    }
  }

  /// `FAHD 00`, client, entry size, page bits, entries, address of the block. The block: `FADB 00`, client, address of the
  /// header, with pages a bit for each and a checksum, entries.
  private mutating func readFixedArray(_ start: Int, _ file: inout HDF5File) throws(ParseFailure) {
    let count = 12 &+ file.lengthSize &+ file.offsetSize
    var cursor = try file.read(at: start, count, "fixed-array")
    try HDF5File.expect("FAHD", &cursor, "fixed-array-signature")
    try cursor.skip(2, "fixed-array-version")
    let size = Int(try cursor.readUInt8("entry-size"))
    let pageBits = Int(try cursor.readUInt8("page-bits"))
    let entries = try file.readLength(&cursor, "number-of-entries")
    file.own(start, count)
    guard let block = try file.readOffset(&cursor, "data-block-address") else { return }
    let head = 6 &+ file.offsetSize
    var signature = try file.read(at: block, head, "fixed-array-block")
    try HDF5File.expect("FADB", &signature, "fixed-array-block-signature")
    let isPaged = pageBits < 32 && entries > 1 << pageBits
    // A bit for each page, then a checksum.
    let bits = isPaged ? ((entries &- 1) >> pageBits) / 8 &+ 1 &+ 4 : 0
    file.own(block, head &+ bits)
    try readEntries(entries, at: ByteRange(at: block, count: head &+ bits).end, size: size, pageBits: pageBits, &file)
  }

  /// What an extensible array's header says of its blocks.
  private struct ArrayShape {
    var size: Int
    var offsetBytes: Int
    var inIndex: Int
    var smallest: Int
    var pointers: Int
    var pageBits: Int
    var superBlocks: Int

    /// Whether a block of so many entries is divided into pages.
    func isPaged(_ entries: Int) -> Bool { pageBits < 32 && entries > 1 << pageBits }

    /// Blocks of a super block, and entries in each of them.
    func blocks(of number: Int) -> (count: Int, entries: Int) {
      guard number < 60 else { return (Int.max, Int.max) }
      let (entries, overflow) = smallest.multipliedReportingOverflow(by: 1 << ((number &+ 1) / 2))
      return (1 << (number / 2), overflow ? Int.max : entries)
    }
  }

  /// `EAHD 00`, client, entry size, bits of an index, entries in the index block, smallest block, smallest number of
  /// blocks, page bits, six statistics of which the fifth is the highest index set, address of the index block. That has the
  /// first entries, then addresses of blocks, then of super blocks, which have addresses of blocks.
  private mutating func readExtensibleArray(_ start: Int, _ file: inout HDF5File) throws(ParseFailure) {
    let count = 16 &+ 6 &* file.lengthSize &+ file.offsetSize
    var cursor = try file.read(at: start, count, "extensible-array")
    try HDF5File.expect("EAHD", &cursor, "extensible-array-signature")
    try cursor.skip(2, "extensible-array-version")
    let size = Int(try cursor.readUInt8("entry-size"))
    let indexBits = Int(try cursor.readUInt8("maximum-index-bits"))
    let inIndex = Int(try cursor.readUInt8("index-block-entries"))
    let smallest = Int(try cursor.readUInt8("smallest-block"))
    let pointers = Int(try cursor.readUInt8("smallest-super-block"))
    let pageBits = Int(try cursor.readUInt8("page-bits"))
    try cursor.skip(6 &* file.lengthSize, "statistics")
    file.own(start, count)
    guard let block = try file.readOffset(&cursor, "index-block-address") else { return }
    guard smallest > 0, smallest & (smallest &- 1) == 0, pointers > 0, pointers & (pointers &- 1) == 0,
      (1...64).contains(indexBits), indexBits >= smallest.trailingZeroBitCount
    else { throw ParseFailure(.malformed, "extensible-array", at: start) }
    let shape = ArrayShape(
      size: size, offsetBytes: (indexBits &+ 7) / 8, inIndex: inIndex, smallest: smallest, pointers: pointers,
      pageBits: pageBits, superBlocks: 1 &+ indexBits &- smallest.trailingZeroBitCount)
    try readIndexBlock(block, shape, &file)
  }

  private mutating func readIndexBlock(
    _ start: Int, _ shape: ArrayShape, _ file: inout HDF5File
  ) throws(ParseFailure) {
    let head = 6 &+ file.offsetSize
    var signature = try file.read(at: start, head, "extensible-array-index")
    try HDF5File.expect("EAIB", &signature, "extensible-array-index-signature")
    try readEntries(shape.inIndex, at: start &+ head, size: shape.size, pageBits: 32, &file)
    let first = 2 &* shape.pointers.trailingZeroBitCount
    let direct = 2 &* (shape.pointers &- 1)
    let supers = max(0, shape.superBlocks &- first)
    let at = ByteRange(at: start, count: head &+ shape.inIndex &* shape.size).end
    var cursor = try file.read(at: at, (direct &+ supers) &* file.offsetSize, "block-addresses")
    file.own(start, head)
    file.own(at, (direct &+ supers) &* file.offsetSize &+ 4)
    for number in 0..<first {
      let (blocks, entries) = shape.blocks(of: number)
      for _ in 0..<blocks {
        guard let block = try file.readOffset(&cursor, "data-block-address") else { continue }
        try readArrayBlock(block, entries, shape, &file)
      }
    }
    for number in first..<(first &+ supers) {
      guard let block = try file.readOffset(&cursor, "super-block-address") else { continue }
      try readSuperBlock(block, number, shape, &file)
    }
  }

  /// `EASB 00`, client, address of the header, offset, for paged blocks a bit a page, addresses, checksum.
  private mutating func readSuperBlock(
    _ start: Int, _ number: Int, _ shape: ArrayShape, _ file: inout HDF5File
  ) throws(ParseFailure) {
    try enter(start, "super-block-address")
    let head = 6 &+ file.offsetSize &+ shape.offsetBytes
    var signature = try file.read(at: start, head, "extensible-array-super-block")
    try HDF5File.expect("EASB", &signature, "extensible-array-super-block-signature")
    let (blocks, entries) = shape.blocks(of: number)
    guard blocks <= limit, entries <= Int.max / 2 else {
      throw ParseFailure(.limitExceeded, "hdf5Chunks", at: start)
    }
    let isPaged = shape.isPaged(entries)
    let pages = isPaged ? entries >> shape.pageBits : 0
    let (bits, overflow) = blocks.multipliedReportingOverflow(by: (pages &+ 7) / 8)
    guard !overflow else { throw ParseFailure(.limitExceeded, "hdf5Chunks", at: start) }
    let at = ByteRange(at: start, count: ByteRange(at: head, count: bits).end).end
    var cursor = try file.read(at: at, blocks &* file.offsetSize, "data-block-addresses")
    file.own(start, at &- start &+ blocks &* file.offsetSize &+ 4)
    for _ in 0..<blocks {
      guard let block = try file.readOffset(&cursor, "data-block-address") else { continue }
      try readArrayBlock(block, entries, shape, &file)
    }
  }

  /// `EADB 00`, client, address of the header, offset, entries, checksum; with pages the checksum is before them.
  private mutating func readArrayBlock(
    _ start: Int, _ entries: Int, _ shape: ArrayShape, _ file: inout HDF5File
  ) throws(ParseFailure) {
    try enter(start, "data-block-address")
    let isPaged = shape.isPaged(entries)
    let head = 6 &+ file.offsetSize &+ shape.offsetBytes
    var signature = try file.read(at: start, head, "extensible-array-block")
    try HDF5File.expect("EADB", &signature, "extensible-array-block-signature")
    file.own(start, head &+ (isPaged ? 4 : 0))
    let at = ByteRange(at: start, count: head &+ (isPaged ? 4 : 0)).end
    try readEntries(entries, at: at, size: shape.size, pageBits: isPaged ? shape.pageBits : 32, &file)
  }
}
