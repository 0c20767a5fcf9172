import MScanBytes

/// The records of a B-tree of version 2, in key order.
///
/// `BTHD 00`, type, node size (4), record size (2), depth (2), two percentages, root address, records in the root (2), all
/// records, checksum. A leaf is `BTLF 00`, type, records, checksum; an inner node `BTIN 00`, type, records, then for each
/// child its address, its number of records and, above the second level, the number below it, in as few bytes as hold the
/// largest possible one.
struct HDF5Tree2 {
  private struct Node {
    var start: Int
    var records: Int
    var depth: Int
  }

  let type: UInt8
  let recordSize: Int
  /// All records, one behind the other, and the file offset of each.
  private(set) var bytes: [UInt8] = []
  private(set) var starts: [Int] = []

  /// - Parameter limit: records that may be read.
  init(_ file: inout HDF5File, at start: Int, limit: Int) throws(ParseFailure) {
    let count = 22 &+ file.offsetSize &+ file.lengthSize
    var cursor = try file.read(at: start, count, "b-tree-header")
    try HDF5File.expect("BTHD", &cursor, "b-tree-signature")
    _ = try HDF5File.expect(version: 0...0, &cursor, "b-tree-version")
    type = try cursor.readUInt8("b-tree-type")
    let nodeSize = Int(try cursor.readUInt32("node-size"))
    recordSize = Int(try cursor.readUInt16("record-size"))
    let depth = Int(try cursor.readUInt16("depth"))
    try cursor.skip(2, "split-percent")
    let root = try file.readOffset(&cursor, "root-node-address")
    let records = Int(try cursor.readUInt16("records-in-root"))
    file.own(start, count)
    guard let root else { return }
    guard recordSize > 0, nodeSize > 10, nodeSize <= file.size, depth < 32 else {
      throw ParseFailure(.malformed, "b-tree-header", at: start)
    }
    let widths = Self.countWidths(nodeSize: nodeSize, recordSize: recordSize, depth: depth, offsetSize: file.offsetSize)
    var waiting = [Node(start: root, records: records, depth: depth)]
    var seen: Set<Int> = []
    while let node = waiting.popLast() {
      guard seen.insert(node.start).inserted else { throw ParseFailure(.malformed, "b-tree-child", at: node.start) }
      guard starts.count &+ node.records <= limit else {
        throw ParseFailure(.limitExceeded, "hdf5Objects", at: node.start)
      }
      file.own(node.start, 10 &+ node.records &* recordSize, allocated: nodeSize)
      waiting += try read(node, &file, widths).reversed()
    }
  }

  /// Bytes of the two counts beside a child's address, for nodes of depth 1, 2 … : records in it, records below it.
  private static func countWidths(
    nodeSize: Int, recordSize: Int, depth: Int, offsetSize: Int
  ) -> [(own: Int, below: Int)] {
    func width(_ limit: Int) -> Int { (Int.bitWidth &- 1 &- max(1, limit).leadingZeroBitCount) / 8 &+ 1 }
    let leaf = (nodeSize &- 10) / recordSize
    let own = width(leaf)
    var below = 0
    var total = leaf
    var widths = [(own: own, below: 0)]
    for _ in 0..<depth {
      widths.append((own, below))
      let pointer = offsetSize &+ own &+ below
      let most = max(0, nodeSize &- 10 &- pointer) / (recordSize &+ pointer)
      let (product, overflow) = total.multipliedReportingOverflow(by: most &+ 1)
      total = overflow ? Int.max : min(Int.max &- most, product) &+ most
      below = width(total)
    }
    return widths
  }

  private mutating func read(
    _ node: Node, _ file: inout HDF5File, _ widths: [(own: Int, below: Int)]
  ) throws(ParseFailure) -> [Node] {
    let isLeaf = node.depth == 0
    let (own, below) = widths.indices.contains(node.depth) ? widths[node.depth] : (1, 0)
    let pointer = file.offsetSize &+ own &+ below
    let length = 6 &+ node.records &* recordSize &+ (isLeaf ? 0 : (node.records &+ 1) &* pointer)
    var cursor = try file.read(at: node.start, length, "b-tree-node")
    try HDF5File.expect(isLeaf ? "BTLF" : "BTIN", &cursor, "b-tree-node-signature")
    try cursor.skip(2, "b-tree-node-version")
    for _ in 0..<node.records {
      starts.append(cursor.offset)
      bytes += try cursor.slice(recordSize, "b-tree-record")
    }
    guard !isLeaf else { return [] }
    var children: [Node] = []
    for _ in 0...node.records {
      let child = try file.readOffset(&cursor, "b-tree-child")
      let place = cursor.offset
      let records = try cursor.readLittleEndian(own, "b-tree-child-records")
      try cursor.skip(below, "b-tree-child-records")
      guard let child, let count = Int(exactly: records), count <= file.size else {
        throw ParseFailure(.malformed, "b-tree-child", at: place)
      }
      children.append(Node(start: child, records: count, depth: node.depth &- 1))
    }
    return children
  }

  /// The n-th record.
  func record(_ index: Int) -> ByteCursor {
    let from = index &* recordSize
    return ByteCursor(Array(bytes[from..<(from &+ recordSize)]), base: starts[index])
  }
}

/// A fractal heap: objects of any size, found by their id. Blocks double in size row by row.
///
/// An id is `00` offset length for an object in a block, `10` key or address for a huge one, `20` bytes for a tiny one.
struct HDF5FractalHeap {
  private let idLength: Int
  private let flags: UInt8
  private let maxManaged: Int
  private let hugeTree: Int?
  private let width: Int
  private let startSize: Int
  private let maxDirect: Int
  private let maxBits: Int
  private let root: Int?
  private let rootRows: Int
  private var huge: [UInt64: (start: Int, count: Int)]?
  private var seen: Set<Int> = []

  init(_ file: inout HDF5File, at start: Int) throws(ParseFailure) {
    let count = 22 &+ 12 &* file.lengthSize &+ 3 &* file.offsetSize
    var cursor = try file.read(at: start, count, "fractal-heap")
    try HDF5File.expect("FRHP", &cursor, "fractal-heap-signature")
    _ = try HDF5File.expect(version: 0...0, &cursor, "fractal-heap-version")
    idLength = Int(try cursor.readUInt16("heap-id-length"))
    let filters = try cursor.readUInt16("filters-length")
    flags = try cursor.readUInt8("fractal-heap-flags")
    maxManaged = Int(try cursor.readUInt32("maximum-size-of-managed-objects"))
    try cursor.skip(file.lengthSize, "next-huge-object-id")
    hugeTree = try file.readOffset(&cursor, "huge-objects-b-tree-address")
    try cursor.skip(file.lengthSize, "free-space")
    _ = try file.readOffset(&cursor, "free-space-manager-address")
    try cursor.skip(8 &* file.lengthSize, "managed-space")
    let place = cursor.offset
    width = Int(try cursor.readUInt16("table-width"))
    // Sizes of blocks that need not exist yet may be over the file's.
    startSize = Int(clamping: try cursor.readLittleEndian(file.lengthSize, "starting-block-size"))
    maxDirect = Int(clamping: try cursor.readLittleEndian(file.lengthSize, "maximum-direct-block-size"))
    maxBits = Int(try cursor.readUInt16("maximum-heap-size"))
    try cursor.skip(2, "starting-rows")
    root = try file.readOffset(&cursor, "root-block-address")
    rootRows = Int(try cursor.readUInt16("current-rows"))
    file.own(start, count)
    guard filters == 0 else { throw ParseFailure(.unsupported, "filters-length", at: start &+ 7) }
    guard width > 0, startSize > 0, startSize.nonzeroBitCount == 1, width.nonzeroBitCount == 1, maxDirect >= startSize,
      maxDirect.nonzeroBitCount == 1, (1...64).contains(maxBits), idLength > 1
    else { throw ParseFailure(.malformed, "doubling-table", at: place) }
  }

  private static func log2(_ value: Int) -> Int { Int.bitWidth &- 1 &- max(1, value).leadingZeroBitCount }

  private var offsetBytes: Int { (maxBits &+ 7) / 8 }
  private var lengthBytes: Int { min((Self.log2(maxDirect) &+ 7) / 8, Self.log2(maxManaged) / 8 &+ 1) }

  /// The bytes of an object, with their file offset.
  mutating func object(_ id: ByteCursor, _ file: inout HDF5File) throws(ParseFailure) -> ByteCursor {
    var id = id
    let place = id.offset
    let head = try id.readUInt8("heap-id")
    guard head & 0xc0 == 0 else { throw ParseFailure(.unsupported, "heap-id-version", at: place) }
    switch head & 0x30 {
    case 0x00:
      let offset = try id.readLittleEndian(offsetBytes, "heap-id-offset")
      let length = try id.readLittleEndian(lengthBytes, "heap-id-length")
      guard let from = Int(exactly: offset), let count = Int(exactly: length), count <= file.size else {
        throw ParseFailure(.malformed, "heap-id-offset", at: place)
      }
      return try file.read(at: try locate(from, count, &file, at: place), count, "managed-object")
    case 0x10:
      let extent = try hugeExtent(&id, &file, at: place)
      file.own(extent.start, extent.count)
      return try file.read(at: extent.start, extent.count, "huge-object")
    case 0x20:
      var length = Int(head & 15) &+ 1
      if idLength &- 1 > 16 { length = (Int(head & 15) &<< 8 | Int(try id.readUInt8("tiny-length"))) &+ 1 }
      let start = id.offset
      return ByteCursor(Array(try id.slice(length, "tiny-object")), base: start)
    default: throw ParseFailure(.unsupported, "heap-id-type", at: place)
    }
  }

  /// File offset of heap offset `target`, which has `count` bytes up to the end of its block.
  ///
  /// - Complexity: one step for each level of indirect blocks, at most as many as the heap's size has bits.
  private mutating func locate(
    _ target: Int, _ count: Int, _ file: inout HDF5File, at place: Int
  ) throws(ParseFailure) -> Int {
    guard let root else { throw ParseFailure(.malformed, "root-block-address", at: place) }
    let bad = ParseFailure(.malformed, "heap-id-offset", at: place)
    if rootRows == 0 { return try within(root, startSize, target, count, &file, bad) }
    let directRows = Self.log2(maxDirect) &- Self.log2(startSize) &+ 2
    var block = root
    var rows = rootRows
    var rest = target
    for _ in 0..<64 {
      let head = 5 &+ file.offsetSize &+ offsetBytes
      var signature = try file.read(at: block, 4, "indirect-block")
      try HDF5File.expect("FHIB", &signature, "indirect-block-signature")
      let inRow0 = rest / startSize < width
      let row = inRow0 ? 0 : Self.log2(rest / startSize / width) &+ 1
      guard row < rows, row < 64 else { throw bad }
      // `row` is below 64 and the row starts at or before `rest`, so neither shift loses bits.
      let blockSize = inRow0 ? startSize : startSize &<< (row &- 1)
      let inRow = rest &- (inRow0 ? 0 : blockSize &* width)
      let column = inRow / blockSize
      let step = (row &* width &+ column) &* file.offsetSize
      if seen.insert(block).inserted {
        file.own(block, head &+ step &+ file.offsetSize, allocated: head &+ rows &* width &* file.offsetSize &+ 4)
      }
      let (entry, overflow) = block.addingReportingOverflow(head &+ step)
      guard !overflow else { throw bad }
      var pointer = try file.read(at: entry, file.offsetSize, "child-block-address")
      guard let child = try file.readOffset(&pointer, "child-block-address") else { throw bad }
      rest = inRow &- column &* blockSize
      if row < directRows { return try within(child, blockSize, rest, count, &file, bad) }
      block = child
      rows = Self.log2(blockSize) &- Self.log2(startSize) &- Self.log2(width) &+ 1
    }
    throw bad
  }

  private mutating func within(
    _ block: Int, _ size: Int, _ step: Int, _ count: Int, _ file: inout HDF5File, _ bad: ParseFailure
  ) throws(ParseFailure) -> Int {
    guard step >= 0, step < size, count <= size &- step else { throw bad }
    if seen.insert(block).inserted {
      var cursor = try file.read(at: block, 4, "direct-block")
      try HDF5File.expect("FHDB", &cursor, "direct-block-signature")
      file.own(block, size)
    }
    return ByteRange(at: block, count: step).end
  }

  private mutating func hugeExtent(
    _ id: inout ByteCursor, _ file: inout HDF5File, at place: Int
  ) throws(ParseFailure) -> (start: Int, count: Int) {
    if idLength &- 1 >= file.offsetSize &+ file.lengthSize {
      guard let start = try file.readOffset(&id, "huge-object-address") else {
        throw ParseFailure(.malformed, "huge-object-address", at: place)
      }
      return (start, try file.readLength(&id, "huge-object-length"))
    }
    let key = try id.readLittleEndian(min(file.lengthSize, idLength &- 1), "huge-object-key")
    if huge == nil { huge = try readHuge(&file, at: place) }
    guard let extent = huge?[key] else { throw ParseFailure(.malformed, "huge-object-key", at: place) }
    return extent
  }

  private func readHuge(
    _ file: inout HDF5File, at place: Int
  ) throws(ParseFailure) -> [UInt64: (start: Int, count: Int)] {
    guard let hugeTree else { throw ParseFailure(.malformed, "huge-objects-b-tree-address", at: place) }
    let tree = try HDF5Tree2(&file, at: hugeTree, limit: file.bytesLeft / 8)
    guard tree.type == 1 else { throw ParseFailure(.unsupported, "b-tree-type", at: hugeTree) }
    var found: [UInt64: (start: Int, count: Int)] = [:]
    for index in tree.starts.indices {
      var record = tree.record(index)
      guard let start = try file.readOffset(&record, "huge-object-address") else { continue }
      let count = try file.readLength(&record, "huge-object-length")
      found[try record.readLittleEndian(file.lengthSize, "huge-object-id")] = (start, count)
    }
    return found
  }
}

/// Global heap collections: `GCOL 01`, 3 reserved, size, then objects: index (2), references (2), 4 reserved, size, bytes,
/// padding to 8. Index 0 is free space.
struct HDF5GlobalHeap {
  private var collections: [Int: [UInt16: ByteRange]] = [:]

  /// The bytes of an object.
  mutating func object(
    _ collection: Int, _ index: UInt32, _ file: inout HDF5File, at place: Int
  ) throws(ParseFailure) -> ByteRange {
    if collections[collection] == nil { collections[collection] = try read(collection, &file) }
    guard let key = UInt16(exactly: index), let range = collections[collection]?[key] else {
      throw ParseFailure(.malformed, "global-heap-object-index", at: place)
    }
    return range
  }

  private func read(_ start: Int, _ file: inout HDF5File) throws(ParseFailure) -> [UInt16: ByteRange] {
    var cursor = try file.read(at: start, 8 &+ file.lengthSize, "global-heap-collection")
    try HDF5File.expect("GCOL", &cursor, "global-heap-signature")
    _ = try HDF5File.expect(version: 1...1, &cursor, "global-heap-version")
    try cursor.skip(3, "reserved")
    let size = try file.readLength(&cursor, "collection-size")
    let end = min(file.size, ByteRange(at: start, count: size).end)
    file.own(start, end &- start)
    var found: [UInt16: ByteRange] = [:]
    let head = 8 &+ file.lengthSize
    var at = cursor.offset
    while end &- at >= head {
      var object = try file.read(at: at, head, "global-heap-object")
      let index = try object.readUInt16("heap-object-index")
      try object.skip(6, "reference-count")
      let count = try file.readLength(&object, "object-size")
      guard index != 0 else { break }
      let data = ByteRange(at: at &+ head, count: count)
      guard data.end <= end else { throw ParseFailure(.truncated, "object-size", at: at) }
      found[index] = data
      at = ByteRange(at: data.end, count: (8 &- count % 8) % 8).end
    }
    return found
  }
}
