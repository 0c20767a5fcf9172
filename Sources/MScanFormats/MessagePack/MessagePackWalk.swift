import MScanBytes
import MScanFacts

/// One pass over the items, with a stack of the maps and arrays that are open.
struct MessagePackWalk {
  /// Extension types of Flax, and the timestamp of the specification.
  private static let array: Int8 = 1
  private static let known: Set<Int8> = [-1, 1, 2, 3]
  private static let textLimit = 4096
  private static let keyLimit = 256
  private static let extentsKept = 64

  private struct Frame {
    var isMap: Bool
    /// Entries that are left; keys and values count one each.
    var left: Int
    /// Entries read.
    var index = 0
    /// The key whose value comes next.
    var key = ""
    var isKey: Bool { isMap && left % 2 == 0 }
    /// A step of the path down to the next value is of interest.
    var isWanted: Bool
    var isKeyWanted = false
    var keys: Set<Int> = []
    /// An array of `msgpack-numpy` whose elements are pickled.
    var hasArrayMark = false
    var isObjects = false
  }

  private let input: ArtifactInput
  private var wire: WindowReader
  private var frames: [Frame] = []
  private var itemsLeft: Int
  private var keysLeft: Int
  private var valuesLeft: Int

  var offset: Int { wire.offset }

  init(_ input: ArtifactInput) {
    self.input = input
    wire = WindowReader(input.source)
    wire.isBigEndian = true
    itemsLeft = input.limits.messagePackItems
    keysLeft = input.limits.jsonKeys
    valuesLeft = input.limits.values
  }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    repeat {
      guard itemsLeft > 0 else { throw ParseFailure(.limitExceeded, "messagePackItems", at: wire.offset) }
      itemsLeft &-= 1
      try item(into: &sink)
      while let top = frames.last, top.left == 0 {
        keysLeft &+= top.keys.count
        frames.removeLast()
      }
    } while !frames.isEmpty
    guard wire.remaining > 0 else { return }
    let rest = ByteRange(wire.offset, input.source.count)
    note("msgpack.trailing-bytes", rest, field: "", detail: "\(rest.count) bytes behind the object", into: &sink)
    UnownedBytes.carve(rest, of: input, into: &sink)
  }

  // MARK: Items

  private mutating func item(into sink: inout FactBuffer) throws(ParseFailure) {
    let start = wire.offset
    let item = try MessagePackItem.read(&wire)
    let isKey = frames.last?.isKey ?? false
    switch item.kind {
    case .map, .array:
      try open(item, start, into: &sink)
    case .text, .binary:
      try payload(item, start, isKey: isKey, into: &sink)
    case .ext(let type):
      try ext(type, item.count, start, into: &sink)
      finish()
    case .number(let digits):
      if isKey { try key(Array(digits.utf8), start, into: &sink) } else { state(.number(digits), start, into: &sink) }
      finish()
    case .boolean(let flag):
      if isKey { try key(Array("\(flag)".utf8), start, into: &sink) } else { state(.boolean(flag), start, into: &sink) }
      finish()
    case .null:
      if isKey { try key(Array("null".utf8), start, into: &sink) } else { state(.null, start, into: &sink) }
      finish()
    }
  }

  /// Counts an entry of the innermost container.
  private mutating func finish() {
    guard let top = frames.indices.last else { return }
    frames[top].left &-= 1
    frames[top].index &+= 1
  }

  private mutating func open(
    _ item: MessagePackItem, _ start: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    var isMap = false
    if case .map = item.kind { isMap = true }
    guard item.count <= wire.remaining / (isMap ? 2 : 1) else {
      throw ParseFailure(.truncated, "length", at: start)
    }
    guard frames.count < input.limits.nesting else { throw ParseFailure(.limitExceeded, "nesting", at: start) }
    if frames.last?.isKey == true {
      note("msgpack.key", ByteRange(start, wire.offset), field: "key", detail: "a container as a key", into: &sink)
      frames[frames.count &- 1].key = "?"
    } else if !frames.isEmpty {
      state(isMap ? .object(item.count) : .array(item.count), start, into: &sink)
    }
    let isWanted = input.interest.everything || isNextWanted
    finish()
    frames.append(Frame(isMap: isMap, left: isMap ? item.count &* 2 : item.count, isWanted: isWanted))
  }

  private var isNextWanted: Bool {
    guard let top = frames.last else { return false }
    return top.isWanted || top.isKeyWanted
  }

  private mutating func payload(
    _ item: MessagePackItem, _ start: Int, isKey: Bool, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard item.count <= wire.remaining else { throw ParseFailure(.truncated, "length", at: start) }
    let data = ByteRange(at: wire.offset, count: item.count)
    if isKey {
      let bytes = try wire.bytes(min(item.count, Self.keyLimit), "key")
      try wire.skip(item.count &- bytes.count, "key")
      try key(bytes, start, into: &sink)
      return finish()
    }
    try wire.skip(item.count, "payload")
    var isText = false
    if case .text = item.kind { isText = true }
    if isText || item.count <= Self.keyLimit, isNextWanted || input.interest.everything || frames.last?.key == "kind" {
      let text = String(decoding: input.source.prefix(min(item.count, Self.textLimit), at: data.start), as: UTF8.self)
      noteObjects(text, start, into: &sink)
      if isNextWanted || input.interest.everything { state(.text(text), start, into: &sink) }
    }
    queue(data, into: &sink)
    finish()
  }

  private mutating func key(_ bytes: [UInt8], _ start: Int, into sink: inout FactBuffer) throws(ParseFailure) {
    guard let top = frames.indices.last else { return }
    let key = String(decoding: bytes, as: UTF8.self)
    frames[top].key = key
    frames[top].isKeyWanted = input.interest.wants(key: key)
    if key == "nd" { frames[top].hasArrayMark = true }
    guard keysLeft > 0 else { throw ParseFailure(.limitExceeded, "jsonKeys", at: start) }
    keysLeft &-= 1
    // A hash with a secret of this run; whole keys of up to 256 bytes.
    if bytes.count < Self.keyLimit, !frames[top].keys.insert(bytes.hashValue).inserted {
      keysLeft &+= 1
      note("msgpack.duplicate-key", ByteRange(start, wire.offset), field: "key", detail: path(), into: &sink)
    }
  }

  // MARK: Arrays

  /// `msgpack-numpy` writes arrays of objects as pickles, and loads them as such.
  private mutating func noteObjects(_ text: String, _ start: Int, into sink: inout FactBuffer) {
    guard let top = frames.indices.last, frames[top].hasArrayMark, frames[top].key == "kind", text == "O" else {
      return
    }
    frames[top].isObjects = true
    note("msgpack.object-array", ByteRange(start, wire.offset), field: "kind", detail: path(), into: &sink)
  }

  /// Queues bytes that another loader would open.
  private func queue(_ data: ByteRange, into sink: inout FactBuffer) {
    guard data.count >= 4 else { return }
    let isPickle = frames.last?.isObjects == true && frames.last?.key == "data"
    guard isPickle || MagicBytes.isUnmistakable(input.source.prefix(min(64, data.count), at: data.start)) else {
      return
    }
    sink.addChild(
      Artifact(name: "bytes of \(path())", parent: input.index, rangeInParent: data, size: data.count),
      source: input.source.slice(data), format: isPickle ? PickleFormat.id : nil)
  }

  private mutating func ext(_ type: Int8, _ count: Int, _ start: Int, into sink: inout FactBuffer) throws(ParseFailure)
  {
    guard count <= wire.remaining else { throw ParseFailure(.truncated, "length", at: start) }
    let data = ByteRange(at: wire.offset, count: count)
    let isArray = type == Self.array && ndarray(data, start, into: &sink)
    try wire.skip(count, "ext")
    if !Self.known.contains(type) || type == Self.array && !isArray {
      note(
        "msgpack.extension", ByteRange(start, wire.offset), field: "ext type",
        detail: "type \(type) of \(count) bytes at \(path())", into: &sink)
      queue(data, into: &sink)
    }
  }

  /// An array of Flax: a MessagePack array of its shape, its type, and its bytes.
  private func ndarray(_ data: ByteRange, _ start: Int, into sink: inout FactBuffer) -> Bool {
    var inner = WindowReader(input.source.slice(data))
    inner.isBigEndian = true
    guard let outer = try? MessagePackItem.read(&inner), case .array = outer.kind, outer.count == 3,
      let extents = try? MessagePackItem.read(&inner), case .array = extents.kind, extents.count <= Self.extentsKept
    else { return false }
    var shape: [Int] = []
    for _ in 0..<extents.count {
      guard let extent = try? MessagePackItem.read(&inner), case .number(let digits) = extent.kind else { return false }
      shape.append(Int(digits) ?? Int.max)
    }
    guard let type = try? MessagePackItem.read(&inner), type.count <= Self.keyLimit,
      let name = try? inner.bytes(type.count, "dtype"), let bytes = try? MessagePackItem.read(&inner),
      case .binary = bytes.kind, bytes.count <= inner.remaining
    else { return false }
    let tensor = path()
    sink.emit(
      .tensor(
        TensorFact(
          name: tensor, dtype: String(decoding: name, as: UTF8.self), shape: shape,
          bytes: ByteRange(at: data.start &+ inner.offset, count: bytes.count))),
      artifact: input.index, range: ByteRange(start, data.end), place: .tensor(tensor))
    return true
  }

  // MARK: Facts

  /// Key path of the value that comes next.
  private func path() -> String {
    frames.map { $0.isMap ? $0.key : String($0.index) }.joined(separator: ".")
  }

  private mutating func state(_ value: ValueFact.Scalar, _ start: Int, into sink: inout FactBuffer) {
    guard isNextWanted || input.interest.everything else { return }
    guard valuesLeft > 0 else {
      return note(
        "limit.values", ByteRange(start, wire.offset), field: "value",
        detail: "further values are checked, not stated", incomplete: true, into: &sink)
    }
    valuesLeft &-= 1
    let path = path()
    let pointer = frames.map { "/" + JSONWalk.pointerStep($0.isMap ? $0.key : String($0.index)) }.joined()
    sink.emit(
      .value(ValueFact(keyPath: path, value: value)), artifact: input.index, range: ByteRange(start, wire.offset),
      place: .path(pointer))
  }

  private func note(
    _ subject: String, _ range: ByteRange, field: String, detail: String, incomplete: Bool = false,
    into sink: inout FactBuffer
  ) {
    let bounded = String(detail.prefix(input.limits.argumentCharacters))
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: bounded, incomplete: incomplete)),
      artifact: input.index, range: range, place: .whole)
  }
}
