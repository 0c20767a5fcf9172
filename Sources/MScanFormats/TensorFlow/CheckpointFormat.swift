import MScanBytes
public import MScanFacts

/// `variables.index`, `model.ckpt.index`: the index of a checkpoint, a table of LevelDB from names to
/// `BundleEntryProto`. The bytes of the tensors are in other files. Source: `tensor_bundle.proto` and `table_format.txt`
/// of TensorFlow 2.20.
public enum CheckpointFormat: Format {
  public static let id = "tf-checkpoint"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = CheckpointReader(input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

/// The table: data blocks, a block about the table, an index of the data blocks, and a footer that says where the last
/// two are.
struct CheckpointReader {
  private struct Handle {
    var offset: Int
    var size: Int
    /// Type and checksum follow the block.
    var end: Int { offset &+ size &+ 5 }
  }

  static let footerLength = 48
  private static let magic: [UInt8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]

  private let input: ArtifactInput
  private var entries: CheckpointEntries

  init(_ input: ArtifactInput) {
    self.input = input
    entries = CheckpointEntries(input)
  }

  /// Whether the last bytes are those of a table.
  static func isTable(_ source: ByteSource) -> Bool {
    source.count >= footerLength && source.prefix(8, at: source.count &- 8) == magic
  }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    let size = input.source.count
    guard Self.isTable(input.source) else { throw ParseFailure(.malformed, "magic", at: max(0, size &- 8)) }
    let start = size &- Self.footerLength
    var footer = ProtobufReader(input.source, at: start)
    let about = try handle(&footer, before: size &- 8)
    let index = try handle(&footer, before: size &- 8)
    var owned = 0
    let rows = try block(index)
    var cursor = CheckpointBlock(rows, base: index.offset)
    while let row = try cursor.next() {
      var value = ProtobufReader(ByteSource(Array(rows[row.value])))
      let data = try handle(&value, before: row.value.count)
      // Blocks stand one behind the other; one that is named twice would be read twice.
      guard data.offset >= owned else {
        note(
          "tf-checkpoint.block-order", ByteRange(index.offset, index.offset &+ index.size), "block at \(data.offset)",
          incomplete: true, into: &sink)
        continue
      }
      account(owned, data.offset, into: &sink)
      let bytes = try block(data)
      owned = data.end
      try entries.read(bytes, base: data.offset, into: &sink)
    }
    account(owned, about.offset, into: &sink)
    account(about.end, index.offset, into: &sink)
    account(index.end, start, into: &sink)
    entries.finish(into: &sink)
  }

  /// Offset and size of a block, inside the file.
  private func handle(_ reader: inout ProtobufReader, before end: Int) throws(ParseFailure) -> Handle {
    let at = reader.position
    let stated = (try reader.varint("block_handle", before: end), try reader.varint("block_handle", before: end))
    let limit = input.source.count &- Self.footerLength &- 5
    guard let offset = Int(exactly: stated.0), let size = Int(exactly: stated.1), offset <= limit,
      size <= limit &- offset
    else { throw ParseFailure(.malformed, "block_handle", at: at) }
    return Handle(offset: offset, size: size)
  }

  private func block(_ handle: Handle) throws(ParseFailure) -> [UInt8] {
    let bytes = try input.source.bytes(
      ByteRange(at: handle.offset, count: handle.size &+ 1), limit: input.limits.memberBytes, field: "memberBytes")
    // 1 is Snappy, which no writer of checkpoints turns on.
    guard bytes.last == 0 else {
      throw ParseFailure(.unsupported, "block_type", at: handle.offset &+ handle.size)
    }
    return Array(bytes.dropLast())
  }

  private func account(_ start: Int, _ end: Int, into sink: inout FactBuffer) {
    guard start < end else { return }
    let range = ByteRange(start, end)
    note("tf-checkpoint.unaccounted-bytes", range, "\(range.count) bytes between blocks", into: &sink)
    UnownedBytes.carve(range, of: input, into: &sink)
  }

  private func note(
    _ subject: String, _ range: ByteRange, _ detail: String, incomplete: Bool = false, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: "block", detail: detail, incomplete: incomplete)),
      artifact: input.index, range: range, place: .whole)
  }
}

/// The rows of one block. Keys are written as what they add to the key before.
struct CheckpointBlock {
  struct Row {
    /// Indices into the block.
    var value: Range<Int>
    var range: ByteRange
  }

  private let bytes: [UInt8]
  private let base: Int
  /// Where the restart points begin.
  private var end: Int
  private var at = 0
  /// The key of the row that was read last.
  private(set) var key: [UInt8] = []

  init(_ bytes: [UInt8], base: Int) {
    (self.bytes, self.base) = (bytes, base)
    end = 0
    guard bytes.count >= 4 else { return }
    var restarts = 0
    for byte in bytes.suffix(4).reversed() { restarts = restarts &<< 8 | Int(byte) }
    end = bytes.count &- 4 &- restarts &* 4
  }

  /// - Throws: `malformed` for lengths that pass the block's end.
  mutating func next() throws(ParseFailure) -> Row? {
    guard end >= 0, bytes.count >= 4 else { throw ParseFailure(.malformed, "num_restarts", at: base) }
    guard at < end else { return nil }
    let start = at
    let shared = try varint("shared_bytes")
    let added = try varint("unshared_bytes")
    let length = try varint("value_length")
    guard shared <= key.count, added <= end &- at, length <= end &- at &- added else {
      throw ParseFailure(.malformed, "shared_bytes", at: base &+ start)
    }
    key.removeLast(key.count &- shared)
    key.append(contentsOf: bytes[at..<(at &+ added)])
    let value = (at &+ added)..<(at &+ added &+ length)
    at = value.upperBound
    return Row(value: value, range: ByteRange(base &+ start, base &+ at))
  }

  private mutating func varint(_ field: StaticString) throws(ParseFailure) -> Int {
    let start = at
    var value = 0
    for shift in 0..<5 {
      guard at < end else { throw ParseFailure(.malformed, field, at: base &+ start) }
      let byte = bytes[at]
      at &+= 1
      value |= Int(byte & 0x7f) &<< (7 &* shift)
      if byte & 0x80 == 0 { return value }
    }
    throw ParseFailure(.malformed, field, at: base &+ start)
  }
}

/// What the rows say: a header, then a tensor each.
struct CheckpointEntries {
  private struct Entry {
    var type = 0
    var shape: [Int] = []
    var shard = 0
    var offset = 0
    var size = 0
    /// The tensor lies in parts, each an entry of its own.
    var isSliced = false
  }

  private let input: ArtifactInput
  private var lastKey: [UInt8]?
  private var shards = 0
  private var header = ByteRange(0, 0)

  init(_ input: ArtifactInput) { self.input = input }

  mutating func read(_ bytes: [UInt8], base: Int, into sink: inout FactBuffer) throws(ParseFailure) {
    var block = CheckpointBlock(bytes, base: base)
    let source = ByteSource(bytes)
    while let row = try block.next() {
      let isOrdered = lastKey.map { $0.lexicographicallyPrecedes(block.key) } ?? true
      let name = String(decoding: block.key.prefix(input.limits.argumentCharacters), as: UTF8.self)
      if !isOrdered {
        note("tf-checkpoint.key-order", "key", "'\(name)' does not follow its neighbour", row.range, into: &sink)
      }
      lastKey = block.key
      var reader = ProtobufReader(source, at: row.value.lowerBound)
      if block.key.isEmpty {
        try readHeader(&reader, row, into: &sink)
      } else {
        state(try readEntry(&reader, row, base: base), name, row.range, into: &sink)
      }
    }
  }

  private mutating func readHeader(
    _ reader: inout ProtobufReader, _ row: CheckpointBlock.Row, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    header = row.range
    while let field = try reader.next(before: row.value.upperBound) {
      if field.number == 1, field.wire == .varint { shards = Int(exactly: field.value) ?? Int.max }
      reader.move(to: field.payload.end)
    }
    sink.emit(
      .value(ValueFact(keyPath: "num_shards", value: .number("\(shards)"))), artifact: input.index, range: header,
      place: .path("num_shards"))
  }

  private func readEntry(
    _ reader: inout ProtobufReader, _ row: CheckpointBlock.Row, base: Int
  ) throws(ParseFailure) -> Entry {
    var entry = Entry()
    while let field = try reader.next(before: row.value.upperBound) {
      let number = Int(truncatingIfNeeded: field.value)
      switch (field.number, field.wire) {
      case (1, .varint): entry.type = number
      case (2, .length): entry.shape = try shape(&reader, field.payload)
      case (3, .varint): entry.shard = number
      case (4, .varint): entry.offset = number
      case (5, .varint): entry.size = number
      case (7, .length): entry.isSliced = true
      default: break
      }
      reader.move(to: field.payload.end)
    }
    return entry
  }

  private func shape(_ reader: inout ProtobufReader, _ range: ByteRange) throws(ParseFailure) -> [Int] {
    var shape: [Int] = []
    while let field = try reader.next(before: range.end) {
      if field.number == 2, field.wire == .length, shape.count < 256 {
        var extent = 0
        while let size = try reader.next(before: field.payload.end) {
          if size.number == 1, size.wire == .varint { extent = Int(truncatingIfNeeded: size.value) }
          reader.move(to: size.payload.end)
        }
        shape.append(extent)
      }
      reader.move(to: field.payload.end)
    }
    return shape
  }

  private func state(_ entry: Entry, _ name: String, _ range: ByteRange, into sink: inout FactBuffer) {
    if entry.offset < 0 || entry.size < 0 || entry.shard < 0 || entry.shard >= max(1, shards) {
      note(
        "tf-checkpoint.entry-range", "offset",
        "\(name): \(entry.size) bytes at \(entry.offset) of shard \(entry.shard)", range, into: &sink)
    }
    if !entry.isSliced, let needed = TensorFlowType.bytes(entry.shape, type: entry.type), needed != entry.size {
      note(
        "tf.shape-mismatch", "size",
        "\(name): \(entry.shape.prefix(16)) of \(TensorFlowType.name(entry.type)) in \(entry.size) bytes", range,
        into: &sink)
    }
    sink.emit(
      .tensor(
        TensorFact(
          name: name, dtype: TensorFlowType.name(entry.type), shape: entry.shape,
          bytes: ByteRange(at: entry.offset, count: entry.size))),
      artifact: input.index, range: range, place: .tensor(name))
  }

  /// Names the files that hold the tensors: `variables.data-00000-of-00001`.
  func finish(into sink: inout FactBuffer) {
    let ending = ".index"
    guard input.name.hasSuffix(ending), shards > 0 else { return }
    let stem = input.name.dropLast(ending.count)
    for shard in 0..<min(shards, 100_000) {
      sink.emit(
        .reference(
          ReferenceFact(
            field: "tf.checkpoint-shard", type: .path,
            target: "\(stem).data-\(Self.padded(shard))-of-\(Self.padded(shards))")),
        artifact: input.index, range: header, place: .path("num_shards"))
    }
  }

  /// Five digits, or as many as it takes.
  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 &- digits.utf8.count)) + digits
  }

  private func note(
    _ subject: String, _ field: String, _ detail: String, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: input.index, range: range,
      place: .whole)
  }
}
