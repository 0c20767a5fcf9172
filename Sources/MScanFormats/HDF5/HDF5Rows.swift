import MScanBytes
import MScanFacts

/// A filter of a dataset's pipeline.
struct HDF5Filter {
  var number: UInt16
  /// The first of its parameters; 0 without one.
  var parameter: UInt32
}

/// Rows that may hold a pickle: lists of bytes in the global heap, as PyTables writes Python objects, and bytes in chunks.
extension HDF5Walk {
  /// Bytes of a large chunk that tell whether it may be a pickle.
  private static let headBytes = 4096

  /// Filters that are undone here: deflate, shuffle, a checksum, and those of h5py and PyTables that need no plug-in.
  private static let readable: Set<UInt16> = [1, 2, 3, 307, 32_000, 32_015]

  /// Texts of variable length in chunks that are looked at. Count; 16,384: no loader unpickles a text.
  private static let textRows = 16_384

  /// Looks at the elements of a chunked dataset if they can be a pickle.
  mutating func chunks(
    _ layout: HDF5ChunkLayout, _ filters: [HDF5Filter], _ stored: Stored, at place: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    // It was said that a limit was hit.
    guard unpackLeft >= 0 else { return }
    let isVariable = stored.type.kind == .variableBytes || stored.type.kind == .variableString
    // Bytes have an order only along one dimension; images and the like have more.
    guard isVariable || (stored.type.isBytes && stored.space.dimensions.count <= 1) else { return }
    // Small numbers behind a filter that needs a plug-in are a tensor; nothing else says that they are not.
    if case .integer = stored.type.kind, filters.contains(where: { !Self.readable.contains($0.number) }) { return }
    let index = try HDF5ChunkIndex(
      layout, stored.space, isFiltered: !filters.isEmpty, &file, limit: input.limits.hdf5Chunks, at: place)
    guard let plain = layout.bytes else { return }
    if isVariable {
      var left = stored.type.kind == .variableString ? Self.textRows : input.limits.hdf5Chunks
      for chunk in index.chunks where left > 0 {
        guard plain <= input.limits.hdf5ChunkBytes else {
          throw ParseFailure(.limitExceeded, "hdf5ChunkBytes", at: chunk.range.start)
        }
        let data = try decode(chunk, filters, plain)
        try rows(ByteCursor(data, base: chunk.range.start), stored, &left, into: &sink)
      }
    } else {
      try joined(index.chunks, filters, plain, stored, into: &sink)
    }
  }

  /// Bytes of one dimension, put together and looked at.
  private mutating func joined(
    _ chunks: [HDF5Chunk], _ filters: [HDF5Filter], _ plain: Int, _ stored: Stored, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard let needed = stored.space.bytes(of: stored.type), let first = chunks.first, needed > 2 else { return }
    // Only a size that a pickle has is put together to see whether it is one; else its first bytes decide.
    if needed > input.limits.hdf5ChunkBytes || plain > input.limits.hdf5ChunkBytes {
      let head = try decode(first, filters, min(plain, input.limits.hdf5ChunkBytes), isWhole: false)
      guard MagicBytes.isBinaryPickle(head) || MagicBytes.isUnmistakable(head) else { return }
      throw ParseFailure(.limitExceeded, "hdf5ChunkBytes", at: first.range.start)
    }
    // Bytes are shuffled one by one, so that the first of a chunk are the first of what it holds.
    // Other filters than deflate give nothing before they have a whole block.
    if plain > Self.headBytes,
      filters.allSatisfy({ $0.number == 1 || $0.number == 3 || ($0.number == 2 && $0.parameter <= 1) })
    {
      let head = try decode(first, filters, Self.headBytes, isWhole: false)
      guard MagicBytes.isBinaryPickle(head) || MagicBytes.isUnmistakable(head) || head.first.map(isTextOpcode) ?? false
      else { return }
    }
    var bytes = try decode(first, filters, plain)
    var next = 1
    while bytes.count < 16, next < chunks.count {
      bytes += try decode(chunks[next], filters, plain)
      next &+= 1
    }
    // Nine in ten arrays are numbers, which the first of them tell.
    guard bytes.count >= 3,
      MagicBytes.isBinaryPickle(bytes) || MagicBytes.isUnmistakable(bytes) || isTextOpcode(bytes[0])
    else { return }
    for chunk in chunks.dropFirst(next) where bytes.count < needed {
      bytes += try decode(chunk, filters, plain)
    }
    bytes = Array(bytes.prefix(needed))
    let source = ByteSource(bytes)
    let isBinary = MagicBytes.isBinaryPickle(bytes)
    guard
      isBinary || MagicBytes.isUnmistakable(bytes) || (bytes.last == UInt8(ascii: ".") && PickleFormat.isPickle(source))
    else { return }
    let isPickle = isBinary || bytes.last == UInt8(ascii: ".")
    sink.addChild(
      Artifact(
        name: stored.steps.joined(separator: "/"), parent: input.index, rangeInParent: first.range,
        encoding: .pieces, size: bytes.count),
      source: source, format: isPickle ? PickleFormat.id : nil)
  }

  /// Whether a pickle of protocol 0 or 1 may start so: with an instruction that puts something on the stack.
  private func isTextOpcode(_ byte: UInt8) -> Bool { Self.openers.contains(byte) }

  private static let openers = Set(
    Array("(NIJKMLFGSTUVXcPQCB)]}".utf8)
      + [0x80, 0x82, 0x83, 0x84, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x95, 0x96, 0x97])

  /// Elements of variable length: a count (4), the address of a collection of the global heap, an index (4).
  mutating func rows(
    _ data: ByteCursor, _ stored: Stored, _ left: inout Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var data = data
    while data.remaining >= 8 &+ file.offsetSize {
      let start = data.offset
      let count = Int(try data.readUInt32("length-of-sequence"))
      let collection = try file.readOffset(&data, "collection-address")
      let index = try data.readUInt32("global-heap-object-index")
      guard let collection, count > 0, index > 0 else { continue }
      guard left > 0 else {
        if stored.type.kind == .variableString { return }
        throw ParseFailure(.limitExceeded, "hdf5Chunks", at: start)
      }
      left &-= 1
      let object = try globalHeap.object(collection, index, &file, at: start)
      let range = ByteRange(at: object.start, count: min(count, object.count))
      if stored.type.kind == .variableString {
        queuePickle(range, stored, into: &sink)
      } else {
        try queueRow(range, stored, into: &sink)
      }
    }
  }

  /// Queues a list of bytes that is a pickle. What reads such rows unpickles each, and does not mind what is behind it.
  private mutating func queueRow(
    _ range: ByteRange, _ stored: Stored, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let source = input.source.slice(range)
    let head = source.prefix(64)
    let isPickle = MagicBytes.isBinaryPickle(head) || PickleFormat.isPickle(source)
    guard isPickle || MagicBytes.isUnmistakable(head) else { return }
    queue(range, stored.steps.joined(separator: "/"), format: isPickle ? PickleFormat.id : nil, into: &sink)
  }

  /// The bytes of a chunk before the filters, which were applied first to last.
  ///
  /// - Parameter isWhole: whether all `plain` bytes have to come out.
  private mutating func decode(
    _ chunk: HDF5Chunk, _ filters: [HDF5Filter], _ plain: Int, isWhole: Bool = true
  ) throws(ParseFailure) -> [UInt8] {
    let limit = input.limits.hdf5ChunkBytes
    let at = chunk.range.start
    let range = isWhole ? chunk.range : ByteRange(at: at, count: min(chunk.range.count, 16 &* Self.headBytes))
    // Many datasets may name one chunk.
    let cost = max(plain, range.count)
    guard unpackLeft >= cost else {
      unpackLeft = -1
      throw ParseFailure(.limitExceeded, "hdf5ChunkBytes", at: at)
    }
    unpackLeft &-= cost
    var bytes = try input.source.bytes(range, limit: limit, field: "hdf5ChunkBytes")
    for (place, filter) in filters.enumerated().reversed() where place >= 32 || chunk.mask >> UInt32(place) & 1 == 0 {
      switch filter.number {
      case 1: bytes = try unpack(bytes, .zlib, plain, isWhole, at: at)
      case 2: bytes = Self.unshuffled(bytes, Int(clamping: filter.parameter))
      case 3: bytes = Array(bytes.dropLast(4))
      case 32_000:
        guard let unpacked = LZF.decode(bytes, limit: plain &+ 64) else {
          throw ParseFailure(.malformed, "chunk-data", at: at)
        }
        bytes = unpacked
      case 307: bytes = try unpack(bytes, .bzip2, plain, isWhole, at: at)
      case 32_015: bytes = try unpack(bytes, .zstd, plain, isWhole, at: at)
      default: throw ParseFailure(.unsupported, "filter-identification", at: at)
      }
    }
    return bytes
  }

  private func unpack(
    _ bytes: [UInt8], _ codec: Codec, _ plain: Int, _ isWhole: Bool, at place: Int
  ) throws(ParseFailure) -> [UInt8] {
    // Some filters that come before this one add bytes: a checksum has four.
    let output = Decompression.bytes(of: ByteSource(bytes), codec, limit: plain &+ 64)
    let isCut = output.failure?.reason == .limitExceeded || output.failure?.reason == .truncated
    if let failure = output.failure, isWhole || !isCut {
      throw ParseFailure(failure.reason, "chunk-data", at: place)
    }
    return output.bytes
  }

  /// The first bytes of all elements stand together, then the second bytes; what is left over is at the end.
  private static func unshuffled(_ bytes: [UInt8], _ size: Int) -> [UInt8] {
    guard size > 1, bytes.count >= size else { return bytes }
    let count = bytes.count / size
    var out = bytes
    for byte in 0..<size {
      for element in 0..<count { out[element &* size &+ byte] = bytes[byte &* count &+ element] }
    }
    return out
  }
}

/// LZF, h5py's own filter: runs of literals (`000lllll`, l + 1 bytes) and references back (`lllooooo` with l + 2 bytes, a
/// further length byte when l is 7, and the low byte of the distance less one).
enum LZF {
  /// Nil for what is no such stream, or is longer than `limit` bytes.
  static func decode(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
    var out: [UInt8] = []
    var at = 0
    func next() -> Int? {
      guard at < bytes.count else { return nil }
      defer { at &+= 1 }
      return Int(bytes[at])
    }
    while let control = next() {
      if control < 32 {
        guard bytes.count &- at > control, out.count &+ control < limit else { return nil }
        out += bytes[at...(at &+ control)]
        at &+= control &+ 1
        continue
      }
      var length = control >> 5
      if length == 7 {
        guard let more = next() else { return nil }
        length &+= more
      }
      guard let low = next() else { return nil }
      let from = out.count &- (control & 31) << 8 &- low &- 1
      guard from >= 0, out.count &+ length &+ 2 <= limit else { return nil }
      // The copy may overlap what it makes.
      for step in 0..<(length &+ 2) { out.append(out[from &+ step]) }
    }
    return out
  }
}
