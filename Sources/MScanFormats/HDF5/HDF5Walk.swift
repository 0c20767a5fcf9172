import MScanBytes
import MScanFacts

/// Goes through the objects of a file from its root group, each once, and states what they are.
struct HDF5Walk {
  /// A name below another object; names are joined to a path only where a fact needs it.
  private struct Node {
    var parent: Int?
    var name: String
    var depth: Int
  }

  let input: ArtifactInput
  var file: HDF5File
  var globalHeap = HDF5GlobalHeap()
  private var nodes: [Node] = []
  /// Links that may still be read; ``Limits/hdf5Objects``.
  private var linksLeft: Int
  private var seen: Set<Int> = []
  private var waiting: [(start: Int, node: Int)] = []
  /// Parts of the file that were handed on, each once, and bytes that may still be: many rows and texts may name the same.
  var handedOn: Set<ByteRange> = []
  var handOnLeft: Int
  /// Bytes of chunks that may still be unpacked: sixteen times those of the largest.
  var unpackLeft: Int
  /// Whether every dataset says where all its bytes are.
  var isFullyMapped = true

  /// Bytes of a path that a fact keeps; 2,048.
  private static let pathLimit = 2048

  init(_ input: ArtifactInput, _ superblock: HDF5Superblock) {
    self.input = input
    file = HDF5File(input.source, superblock, limits: input.limits)
    linksLeft = input.limits.hdf5Objects
    unpackLeft = input.limits.hdf5ChunkBytes.multipliedReportingOverflow(by: 16).partialValue
    // Twice the file: honest ones name each byte once.
    handOnLeft = ByteRange(at: 1 << 16, count: ByteRange(at: file.size, count: file.size).end).end
  }

  // MARK: The file

  mutating func read(into sink: inout FactBuffer) {
    checkSuperblock(into: &sink)
    nodes.append(Node(parent: nil, name: "", depth: 0))
    attempt(into: &sink) { walk, _ throws(ParseFailure) in
      guard let root = walk.file.superblock.root else {
        throw ParseFailure(.malformed, "root-object-header-address", at: walk.file.superblock.base)
      }
      let start = try walk.file.offset(of: root, "root-object-header-address", at: walk.file.superblock.base)
      walk.seen.insert(start)
      walk.waiting.append((start, 0))
    }
    attempt(into: &sink) { walk, sink throws(ParseFailure) in try walk.readExtension(into: &sink) }
    while let (start, node) = waiting.popLast() {
      let isComplete = attempt(into: &sink) { walk, sink throws(ParseFailure) in
        try walk.object(at: start, node, into: &sink)
      }
      if !isComplete, file.bytesLeft < 64 { break }
    }
    account(into: &sink)
  }

  /// Runs a step; what stops it is stated, and the walk goes on.
  ///
  /// - Returns: whether nothing stopped it.
  @discardableResult
  mutating func attempt(
    into sink: inout FactBuffer, _ step: (inout HDF5Walk, inout FactBuffer) throws(ParseFailure) -> Void
  ) -> Bool {
    do throws(ParseFailure) {
      try step(&self, &sink)
      return true
    } catch {
      state(error, into: &sink)
      return false
    }
  }

  func state(_ failure: ParseFailure, into sink: inout FactBuffer) {
    sink.emit(failure, format: HDF5Format.id, artifact: input.index, size: file.size)
  }

  private mutating func checkSuperblock(into sink: inout FactBuffer) {
    let superblock = file.superblock
    let whole = ByteRange(superblock.base, superblock.end)
    file.own(superblock.base, whole.count)
    if superblock.base > 0 {
      file.own(0, superblock.base)
      let block = ByteRange(0, superblock.base)
      let source = input.source.slice(block)
      let head = source.prefix(4096)
      if head.contains(where: { $0 != 0 }) {
        sink.addChild(
          Artifact(name: "user block", parent: input.index, rangeInParent: block, size: source.count), source: source)
      }
    }
    if let stated = superblock.statedBase, stated != UInt64(superblock.base) {
      note("hdf5.base-address", whole, field: "base-address", detail: "\(stated), not \(superblock.base)", into: &sink)
    }
    if let end = superblock.endOfFile, end > UInt64(file.size) {
      note(
        "hdf5.truncated", whole, field: "end-of-file-address",
        detail: "the file should have \(end) bytes, it has \(file.size)", isIncomplete: true, into: &sink)
    }
    if superblock.driverBlock != nil { noteDriver(whole, into: &sink) }
  }

  private func noteDriver(_ range: ByteRange, into sink: inout FactBuffer) {
    note(
      "hdf5.driver-information", range, field: "driver-information",
      detail: "the data is spread over more files by a file driver", isIncomplete: true, into: &sink)
  }

  private mutating func readExtension(into sink: inout FactBuffer) throws(ParseFailure) {
    let superblock = file.superblock
    guard let address = superblock.superblockExtension else { return }
    let start = try file.offset(of: address, "superblock-extension-address", at: superblock.base)
    var failure: ParseFailure?
    let header = try HDF5ObjectHeader(&file, at: start, failure: &failure)
    if let failure { state(failure, into: &sink) }
    for message in header.messages where message.kind == .driverInfo { noteDriver(message.range, into: &sink) }
    // A paged or tracked file keeps free space that other structures list.
    if header.messages.contains(where: { $0.kind == .fileSpaceInfo || $0.kind == .sharedMessageTable }) {
      isFullyMapped = false
    }
  }

  // MARK: Objects

  private mutating func object(at start: Int, _ node: Int, into sink: inout FactBuffer) throws(ParseFailure) {
    var failure: ParseFailure?
    let header = try HDF5ObjectHeader(&file, at: start, failure: &failure)
    if let failure { state(failure, into: &sink) }
    let place = Place.path(path(of: node))
    for message in header.messages {
      switch message.kind {
      case .symbolTable:
        attempt(into: &sink) { walk, sink throws(ParseFailure) in
          var table = try HDF5SymbolTable(&walk.file, message, limit: walk.linksLeft)
          defer { for link in table.links { walk.follow(link, from: node, into: &sink) } }
          try table.read(&walk.file)
        }
      case .link:
        attempt(into: &sink) { walk, sink throws(ParseFailure) in
          let body = try walk.resolve(message)
          walk.follow(try HDF5Link.read(body, walk.file), from: node, into: &sink)
        }
      case .linkInfo, .attributeInfo:
        attempt(into: &sink) { walk, sink throws(ParseFailure) in
          try walk.readDense(message, node, into: &sink)
        }
      case .attribute:
        attempt(into: &sink) { walk, sink throws(ParseFailure) in
          try walk.attribute(try walk.resolve(message), of: node, into: &sink)
        }
      case nil, .bogus:
        note(
          "hdf5.unknown-message", message.range, field: "type", detail: "message type \(message.type)", place: place,
          into: &sink)
      default: break
      }
    }
    try dataset(header, node, into: &sink)
  }

  /// The message itself, or the one it shares.
  ///
  /// - Throws: `unsupported` for a message in the file's table of shared messages.
  mutating func resolve(_ message: HDF5Message) throws(ParseFailure) -> HDF5Message {
    guard message.isShared else { return message }
    var cursor = message.cursor
    return try readShared(&cursor, kind: message.type)
  }

  /// The message of `kind` of the object that a shared message points to.
  mutating func readShared(_ cursor: inout ByteCursor, kind: Int) throws(ParseFailure) -> HDF5Message {
    let place = cursor.offset
    let version = try HDF5File.expect(version: 1...3, &cursor, "shared-message-version")
    let type = try cursor.readUInt8("shared-message-type")
    if version == 1 { try cursor.skip(6, "reserved") }
    if version == 3, type == 1 { throw ParseFailure(.unsupported, "shared-message-table", at: place) }
    guard let start = try file.readOffset(&cursor, "shared-message-address") else {
      throw ParseFailure(.malformed, "shared-message-address", at: place)
    }
    var failure: ParseFailure?
    let header = try HDF5ObjectHeader(&file, at: start, failure: &failure)
    guard let found = header.messages.first(where: { $0.type == kind && !$0.isShared }) else {
      throw ParseFailure(.malformed, "shared-message-address", at: place)
    }
    return found
  }

  // MARK: Links

  /// Links or attributes that a fractal heap holds.
  private mutating func readDense(
    _ message: HDF5Message, _ node: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var cursor = message.cursor
    let isLinks = message.kind == .linkInfo
    _ = try HDF5File.expect(version: 0...0, &cursor, "info-version")
    let flags = try cursor.readUInt8("info-flags")
    if flags & 1 != 0 { try cursor.skip(isLinks ? 8 : 2, "maximum-creation-index") }
    guard let heapStart = try file.readOffset(&cursor, "fractal-heap-address"),
      let treeStart = try file.readOffset(&cursor, "name-index-address")
    else { return }
    var heap = try HDF5FractalHeap(&file, at: heapStart)
    let tree = try HDF5Tree2(&file, at: treeStart, limit: linksLeft)
    guard tree.type == (isLinks ? 5 : 8) else { throw ParseFailure(.malformed, "b-tree-type", at: treeStart) }
    linksLeft &-= tree.starts.count
    for index in tree.starts.indices {
      let isComplete = attempt(into: &sink) { walk, sink throws(ParseFailure) in
        var record = tree.record(index)
        // A link's record is hash and id, an attribute's id, flags and the rest.
        if isLinks { try record.skip(4, "hash-of-name") }
        let id = ByteCursor(
          Array(try record.slice(isLinks ? record.remaining : 8, "heap-id")), base: record.base &+ (isLinks ? 4 : 0))
        let flags = isLinks ? 0 : try record.readUInt8("message-flags")
        let object = try heap.object(id, &walk.file)
        let body = HDF5Message(type: isLinks ? 6 : 12, flags: flags, start: object.base, bytes: object.bytes)
        if isLinks {
          walk.linksLeft &+= 1
          walk.follow(try HDF5Link.read(body, walk.file), from: node, into: &sink)
        } else {
          try walk.attribute(try walk.resolve(body), of: node, into: &sink)
        }
      }
      if !isComplete, file.bytesLeft < 64 { return }
    }
  }

  private mutating func follow(_ link: HDF5Link, from node: Int, into sink: inout FactBuffer) {
    linksLeft &-= 1
    guard linksLeft >= 0 else {
      if linksLeft == -1 { state(ParseFailure(.limitExceeded, "hdf5Objects", at: link.range.start), into: &sink) }
      return
    }
    // Names stay in memory, so they are paid for.
    guard
      attempt(
        into: &sink,
        { walk, _ throws(ParseFailure) in
          try walk.file.charge(link.name.utf8.count, at: link.range.start)
        })
    else { return }
    let depth = nodes[node].depth &+ 1
    nodes.append(Node(parent: node, name: link.name, depth: depth))
    let child = nodes.count &- 1
    let place = Place.path(path(of: child))
    switch link.target {
    case .hard(let start):
      guard seen.insert(start).inserted else {
        return note(
          "hdf5.second-hard-link", link.range, field: "object-header-address", detail: "the object has another name",
          place: place, into: &sink)
      }
      guard depth <= input.limits.nesting else {
        return state(ParseFailure(.limitExceeded, "nesting", at: link.range.start), into: &sink)
      }
      waiting.append((start, child))
    case .soft(let target):
      refer("hdf5.soft-link", target, link.range, place, into: &sink)
    case .external(let other): refer("hdf5.external-link", other, link.range, place, into: &sink)
    case .userDefined(let type):
      note(
        "hdf5.user-defined-link", link.range, field: "link-type", detail: "a link of type \(type)", place: place,
        into: &sink)
    }
  }

  // MARK: Facts

  func refer(
    _ field: String, _ target: String, _ range: ByteRange, _ place: Place, into sink: inout FactBuffer
  ) {
    sink.emit(
      .reference(ReferenceFact(field: field, type: .path, target: target)), artifact: input.index, range: clip(range),
      place: place)
  }

  func note(
    _ subject: String, _ range: ByteRange, field: String, detail: String, isIncomplete: Bool = false,
    place: Place = .whole, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: isIncomplete)),
      artifact: input.index, range: clip(range), place: place)
  }

  func clip(_ range: ByteRange) -> ByteRange { ByteRange(min(range.start, file.size), min(range.end, file.size)) }

  /// Names from the root to `node`, bounded.
  func steps(to node: Int) -> [String] {
    var steps: [String] = []
    var left = Self.pathLimit
    var at: Int? = node
    while let index = at, nodes[index].parent != nil {
      guard left > 0 else {
        steps.append("…")
        break
      }
      steps.append(nodes[index].name)
      left &-= nodes[index].name.utf8.count
      at = nodes[index].parent
    }
    return steps.reversed()
  }

  func path(of node: Int) -> String { "/" + steps(to: node).joined(separator: "/") }
}
