import MScanBytes

/// A message of an object header.
struct HDF5Message {
  enum Kind: Int {
    case nothing = 0x00, dataspace, linkInfo, datatype, oldFillValue, fillValue, link, externalFiles, layout, bogus
    case groupInfo, filters, attribute, comment, oldModificationTime, sharedMessageTable, continuation, symbolTable
    case modificationTime, treeK, driverInfo, attributeInfo, referenceCount, fileSpaceInfo
  }

  var type: Int
  var flags: UInt8
  /// File offset of `bytes`.
  var start: Int
  var bytes: [UInt8]

  var kind: Kind? { Kind(rawValue: type) }
  var cursor: ByteCursor { ByteCursor(bytes, base: start) }
  var range: ByteRange { ByteRange(at: start, count: bytes.count) }
  /// The body is elsewhere: these bytes say where.
  var isShared: Bool { flags & 2 != 0 }
}

/// The messages of one object, from all blocks of its header (versions 1 and 2).
///
/// Version 1: `01 00`, number of messages, reference count, size of the first block, 4 bytes of padding; each message is
/// type (2), size (2), flags (1), 3 reserved, body. Version 2: `OHDR 02`, flags, times and sizes as the flags say; type (1),
/// size (2), flags (1), creation order as the flags say, body.
struct HDF5ObjectHeader {
  private(set) var messages: [HDF5Message] = []
  /// First block, with its prefix.
  private(set) var range: ByteRange

  private struct Block {
    var start: Int
    var count: Int
  }

  private var version = 1
  private var hasCreationOrder = false
  private var waiting: [Block] = []

  /// - Throws: whatever stops the first block; a later one that fails is left out and its failure is in `failure`.
  init(_ file: inout HDF5File, at start: Int, failure: inout ParseFailure?) throws(ParseFailure) {
    range = ByteRange(start, start)
    var probe = try file.read(at: start, 6, "object-header")
    let first = try probe.readUInt8("object-header-version")
    let block =
      first == UInt8(ascii: "O")
      ? try readPrefix2(&file, at: start) : try readPrefix1(&file, at: start, version: first)
    range = ByteRange(start, block.start &+ block.count)
    file.own(start, range.count &+ (version == 2 ? 4 : 0))
    try readMessages(&file, block)
    var seen: Set<Int> = [block.start]
    var next = 0
    do throws(ParseFailure) {
      while next < waiting.count {
        let block = waiting[next]
        next &+= 1
        guard seen.insert(block.start).inserted else { throw ParseFailure(.malformed, "continuation", at: block.start) }
        file.own(block.start, block.count)
        try readContinuation(&file, block)
      }
    } catch {
      failure = error
    }
  }

  private mutating func readPrefix1(
    _ file: inout HDF5File, at start: Int, version first: UInt8
  ) throws(ParseFailure) -> Block {
    guard first == 1 else { throw ParseFailure(.malformed, "object-header-version", at: start) }
    var cursor = try file.read(at: start, 16, "object-header")
    try cursor.skip(8, "object-header")
    return Block(start: start &+ 16, count: Int(try cursor.readUInt32("object-header-size")))
  }

  private mutating func readPrefix2(_ file: inout HDF5File, at start: Int) throws(ParseFailure) -> Block {
    version = 2
    var cursor = try file.read(at: start, 6, "object-header")
    try HDF5File.expect("OHDR", &cursor, "object-header-signature")
    _ = try HDF5File.expect(version: 2...2, &cursor, "object-header-version")
    let flags = try cursor.readUInt8("object-header-flags")
    hasCreationOrder = flags & 4 != 0
    let width = 1 &<< Int(flags & 3)
    let rest = (flags & 0x20 != 0 ? 16 : 0) &+ (flags & 0x10 != 0 ? 4 : 0)
    var tail = try file.read(at: start &+ 6, rest &+ width, "object-header")
    try tail.skip(rest, "object-header")
    let place = tail.offset
    let size = try tail.readLittleEndian(width, "size-of-chunk-0")
    guard let count = Int(exactly: size), count <= file.size else {
      throw ParseFailure(.truncated, "size-of-chunk-0", at: place)
    }
    return Block(start: tail.offset, count: count)
  }

  private mutating func readContinuation(_ file: inout HDF5File, _ block: Block) throws(ParseFailure) {
    guard version == 2 else { return try readMessages(&file, block) }
    guard block.count >= 8 else { throw ParseFailure(.malformed, "continuation", at: block.start) }
    var cursor = try file.read(at: block.start, 4, "continuation-signature")
    try HDF5File.expect("OCHK", &cursor, "continuation-signature")
    try readMessages(&file, Block(start: block.start &+ 4, count: block.count &- 8))
  }

  private mutating func readMessages(_ file: inout HDF5File, _ block: Block) throws(ParseFailure) {
    let prefix = version == 1 ? 8 : hasCreationOrder ? 6 : 4
    var cursor = try file.read(at: block.start, block.count, "header-messages")
    while cursor.remaining >= prefix {
      let type = version == 1 ? Int(try cursor.readUInt16("type")) : Int(try cursor.readUInt8("type"))
      let size = try cursor.readUInt16("size-of-message")
      let flags = try cursor.readUInt8("message-flags")
      try cursor.skip(version == 1 ? 3 : hasCreationOrder ? 2 : 0, "message-prefix")
      let start = cursor.offset
      let body = try cursor.slice(size, "message-data")
      let message = HDF5Message(type: type, flags: flags, start: start, bytes: Array(body))
      switch message.kind {
      case .nothing: continue
      case .continuation: try queueContinuation(message, file)
      default: messages.append(message)
      }
    }
  }

  private mutating func queueContinuation(_ message: HDF5Message, _ file: HDF5File) throws(ParseFailure) {
    var cursor = message.cursor
    guard let start = try file.readOffset(&cursor, "continuation") else {
      throw ParseFailure(.malformed, "continuation", at: message.start)
    }
    waiting.append(Block(start: start, count: try file.readLength(&cursor, "continuation")))
  }
}
