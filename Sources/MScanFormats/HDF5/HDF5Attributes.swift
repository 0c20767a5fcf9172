import MScanBytes
import MScanFacts

/// Values: attributes, and datasets small enough to be one.
extension HDF5Walk {
  /// Characters of a text that a fact keeps; 4,096, as for JSON.
  private static let textLimit = 4096
  /// Elements of a list of texts that are stated; 16,384: the names of the layers of the largest models.
  private static let elementLimit = 16_384

  /// A value's bytes, type and shape, wherever they stand.
  struct Stored {
    /// Names on the way, outermost first.
    var steps: [String]
    var place: Place
    var type: HDF5Datatype
    var space: HDF5Dataspace
    var data: ByteCursor
  }

  /// An attribute message (versions 1 to 3): sizes, name, datatype, dataspace, each padded to 8 in version 1, then data.
  mutating func attribute(
    _ message: HDF5Message, of node: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var cursor = message.cursor
    let version = try HDF5File.expect(version: 1...3, &cursor, "attribute-version")
    let flags = try cursor.readUInt8("attribute-flags")
    let nameSize = Int(try cursor.readUInt16("name-size"))
    let typeSize = Int(try cursor.readUInt16("datatype-size"))
    let spaceSize = Int(try cursor.readUInt16("dataspace-size"))
    if version == 3 { try cursor.skip(1, "name-character-set") }
    func padded(_ size: Int) -> Int { version == 1 ? (size &+ 7) / 8 &* 8 : size }
    let nameBytes = try cursor.slice(padded(nameSize), "attribute-name").prefix(nameSize).prefix { $0 != 0 }
    let typeStart = cursor.offset
    let typeBytes = Array(try cursor.slice(padded(typeSize), "attribute-datatype"))
    let spaceStart = cursor.offset
    let spaceBytes = Array(try cursor.slice(padded(spaceSize), "attribute-dataspace"))
    let dataStart = cursor.offset
    let data = ByteCursor(Array(try cursor.slice(cursor.remaining, "attribute-data")), base: dataStart)
    var typeCursor = ByteCursor(typeBytes, base: typeStart)
    if version > 1, flags & 1 != 0 { typeCursor = try readShared(&typeCursor, kind: 3).cursor }
    var spaceCursor = ByteCursor(spaceBytes, base: spaceStart)
    if version > 1, flags & 2 != 0 { spaceCursor = try readShared(&spaceCursor, kind: 1).cursor }
    let name = HDF5Link.text(nameBytes)
    let type = try HDF5Datatype.read(&typeCursor, nesting: input.limits.nesting)
    let space = try HDF5Dataspace(spaceCursor, lengthSize: file.lengthSize)
    let stored = Stored(
      steps: steps(to: node) + [name], place: .path(path(of: node) + "@" + name), type: type, space: space, data: data)
    try state(stored, message.range, into: &sink)
  }

  /// States a value, one fact for each text in it.
  mutating func state(_ stored: Stored, _ range: ByteRange, into sink: inout FactBuffer) throws(ParseFailure) {
    guard let count = stored.space.elements else {
      throw ParseFailure(.malformed, "dimension-size", at: range.start)
    }
    let isScalar = stored.space.dimensions.isEmpty
    if stored.space.isNull { return emit(.null, stored, nil, range, into: &sink) }
    guard let bytes = stored.space.bytes(of: stored.type), bytes <= stored.data.remaining else {
      throw ParseFailure(.truncated, "attribute-data", at: range.start)
    }
    switch stored.type.kind {
    case .variableBytes:
      emit(.array(count), stored, nil, range, into: &sink)
      var left = Self.elementLimit
      try rows(stored.data, stored, &left, into: &sink)
    case .string, .variableString, .opaque:
      if !isScalar { emit(.array(count), stored, nil, range, into: &sink) }
      var data = stored.data
      for index in 0..<min(count, Self.elementLimit) {
        let text = try readText(&data, stored.type)
        text.map { state($0, stored, isScalar ? nil : index, into: &sink) }
      }
      if count > Self.elementLimit {
        note(
          "limit.values", range, field: "values",
          detail: "further elements of '\(stored.steps.last ?? "")' are not stated",
          isIncomplete: true, place: stored.place, into: &sink)
      }
    case .integer, .float:
      // A list of one is as good as a number; longer ones are data.
      if count == 1, let number = Self.number(stored.data, stored.type) {
        emit(.number(number), stored, nil, range, into: &sink)
      } else {
        emit(.array(count), stored, nil, range, into: &sink)
        if stored.type.size == 1 { queuePickle(ByteRange(at: stored.data.base, count: bytes), stored, into: &sink) }
      }
    case .other: emit(.array(count), stored, nil, range, into: &sink)
    }
  }

  /// The bytes of the next text; nil for an empty one of variable length.
  private mutating func readText(_ data: inout ByteCursor, _ type: HDF5Datatype) throws(ParseFailure) -> ByteRange? {
    let start = data.offset
    if type.kind != .variableString {
      let bytes = try data.slice(type.size, "attribute-data")
      let fill: Set<UInt8> = type.kind == .string(spaces: true) ? [0, 0x20] : [0]
      let kept = type.kind == .opaque ? bytes.count : bytes.count &- bytes.reversed().prefix { fill.contains($0) }.count
      return ByteRange(at: start, count: kept)
    }
    let count = Int(try data.readUInt32("length-of-sequence"))
    guard let collection = try file.readOffset(&data, "collection-address") else {
      try data.skip(4, "global-heap-object-index")
      return nil
    }
    let index = try data.readUInt32("global-heap-object-index")
    // An empty text has no collection: libhdf5 writes the address 0.
    if count == 0 || (collection == file.superblock.base && index == 0) { return nil }
    let object = try globalHeap.object(collection, index, &file, at: start)
    return ByteRange(at: object.start, count: min(count, object.count))
  }

  private mutating func state(_ text: ByteRange, _ stored: Stored, _ index: Int?, into sink: inout FactBuffer) {
    let head = input.source.prefix(min(text.count, Self.textLimit), at: text.start)
    let isOpaque = stored.type.kind == .opaque
    emit(isOpaque ? .array(text.count) : .text(String(decoding: head, as: UTF8.self)), stored, index, text, into: &sink)
    let name = (stored.steps + (index.map { [String($0)] } ?? [])).joined(separator: "/")
    if Self.looksLikeJSON(head) {
      return queue(text, name, format: JSONFormat.id, into: &sink)
    }
    queuePickle(text, stored, into: &sink)
  }

  /// Queues bytes that an unpickler would take, or that are an archive: readers of attributes unpickle what ends as
  /// pickles do.
  mutating func queuePickle(_ range: ByteRange, _ stored: Stored, into sink: inout FactBuffer) {
    guard range.count > 2, range.end <= file.size else { return }
    let name = stored.steps.joined(separator: "/")
    let source = input.source.slice(range)
    let head = source.prefix(64)
    let isBinary = MagicBytes.isBinaryPickle(head)
    if isBinary || source.prefix(1, at: range.count &- 1) == [UInt8(ascii: ".")] {
      do throws(ParseFailure) {
        try file.charge(min(range.count, 1 << 16), at: range.start)
      } catch {
        return state(error, into: &sink)
      }
      if isBinary || PickleFormat.isPickle(source) { queue(range, name, format: PickleFormat.id, into: &sink) }
    } else if MagicBytes.isUnmistakable(head) {
      queue(range, name, format: nil, into: &sink)
    }
  }

  mutating func queue(_ range: ByteRange, _ name: String, format: String?, into sink: inout FactBuffer) {
    guard handOnLeft >= 0, handedOn.insert(range).inserted else { return }
    guard handOnLeft >= range.count else {
      handOnLeft = -1
      return state(ParseFailure(.limitExceeded, "hdf5Chunks", at: range.start), into: &sink)
    }
    handOnLeft &-= range.count
    let source = input.source.slice(range)
    sink.addChild(
      Artifact(
        name: name, parent: input.index, rangeInParent: ByteRange(at: range.start, count: source.count),
        size: source.count),
      source: source, format: format)
  }

  private func emit(
    _ value: ValueFact.Scalar, _ stored: Stored, _ index: Int?, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    guard input.interest.everything || stored.steps.contains(where: { isWanted($0) }) else { return }
    let steps = stored.steps + (index.map { [String($0)] } ?? [])
    sink.emit(
      .value(ValueFact(keyPath: steps.joined(separator: "."), value: value)), artifact: input.index, range: clip(range),
      place: stored.place)
  }

  /// Names may have dots of their own.
  private func isWanted(_ step: String) -> Bool {
    step.split(separator: ".").contains { input.interest.wants(key: String($0)) }
  }

  private static func looksLikeJSON(_ head: [UInt8]) -> Bool {
    let compact = head.prefix(256).filter { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    guard compact.count >= 2 else { return false }
    if compact[0] == 0x7b { return compact[1] == 0x22 || (compact[1] == 0x7d && compact.count == 2) }
    return compact[0] == 0x5b && [0x22, 0x5b, 0x7b].contains(compact[1])
  }

  private static func number(_ data: ByteCursor, _ type: HDF5Datatype) -> String? {
    var data = data
    guard (1...8).contains(type.size), var bits = try? data.readLittleEndian(type.size, "attribute-data") else {
      return nil
    }
    let unused = UInt64(64 &- type.size &* 8)
    switch type.kind {
    case .integer(let signed, let bigEndian):
      if bigEndian { bits = bits.byteSwapped &>> unused }
      return signed ? String(Int64(bitPattern: bits &<< unused) &>> Int64(unused)) : String(bits)
    case .float(let bigEndian):
      if bigEndian { bits = bits.byteSwapped &>> unused }
      if type.size == 8 { return String(Double(bitPattern: bits)) }
      return type.size == 4 ? String(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) : nil
    default: return nil
    }
  }
}
