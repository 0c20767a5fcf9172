import MScanBytes

/// How a field's bytes are laid out. Source: the protocol buffers encoding guide.
enum ProtobufWire: UInt8, Sendable {
  case varint = 0
  case fixed64 = 1
  case length = 2
  case beginGroup = 3
  case endGroup = 4
  case fixed32 = 5
}

/// One field: a tag, and what follows it.
struct ProtobufField: Sendable {
  var number: Int
  var wire: ProtobufWire
  /// Offset of the tag.
  var start: Int
  /// The number, of a varint or of a fixed field; bits, not a sign.
  var value: UInt64 = 0
  /// The bytes behind the length, cut to the message that holds the field; empty for other wires.
  var payload: ByteRange
  /// The stated length passes the end of the message that holds it.
  var isCut = false

  /// Tag, length and bytes; for a number the bytes of the field.
  var range: ByteRange { ByteRange(start, payload.end) }
}

/// Reads the fields of protocol buffers, forward only, through a window of at most 64 KiB that starts small behind
/// each jump: bytes that are skipped are not read.
struct ProtobufReader {
  private static let smallestWindow = 512
  private static let largestWindow = 1 << 16
  /// Bytes of the longest varint.
  private static let varintLength = 10

  private let source: ByteSource
  private var window: [UInt8] = []
  private var windowStart = 0
  private var windowLength = Self.smallestWindow
  /// Offset of the next byte.
  private(set) var position: Int
  /// Bytes asked of the source so far.
  private(set) var bytesRead = 0
  /// Where the first number stands that is written with more bytes than it needs; nil without one. No writer does it.
  private(set) var overlong: Int?

  /// - Parameter head: the first bytes of the source, if somebody has read them.
  init(_ source: ByteSource, at position: Int = 0, head: [UInt8] = []) {
    self.source = source
    self.position = max(0, position)
    window = head
  }

  /// Moves forward, or back; the next read is there.
  mutating func move(to offset: Int) { position = max(0, offset) }

  /// The field at the position, which ends up behind a number and at the first byte of a payload.
  ///
  /// - Parameter end: where the message ends that holds it.
  /// - Returns: nil at `end`.
  /// - Throws: `truncated` at the end of the source, `malformed` for a tag or a number that no reader takes.
  mutating func next(before end: Int) throws(ParseFailure) -> ProtobufField? {
    guard position < end else { return nil }
    let start = position
    let tag = try varint("tag", before: end)
    guard tag <= UInt64(UInt32.max), tag >> 3 != 0, let number = Int(exactly: tag >> 3),
      let wire = ProtobufWire(rawValue: UInt8(truncatingIfNeeded: tag & 7))
    else { throw ParseFailure(.malformed, "tag", at: start) }
    var field = ProtobufField(number: number, wire: wire, start: start, payload: ByteRange(position, position))
    switch wire {
    case .varint: field.value = try varint("varint", before: end)
    case .fixed64: field.value = try fixed(8, "fixed64", before: end)
    case .fixed32: field.value = try fixed(4, "fixed32", before: end)
    case .beginGroup, .endGroup: break
    case .length:
      let stated = try varint("length", before: end)
      let room = max(0, end &- position)
      let length = Int(exactly: stated) ?? Int.max
      field.isCut = length > room
      field.payload = ByteRange(at: position, count: min(length, room))
      return field
    }
    field.payload = ByteRange(position, position)
    return field
  }

  /// A number of seven bits a byte, the lowest first. The tenth byte's upper bits are dropped, as readers do.
  mutating func varint(_ field: StaticString, before end: Int) throws(ParseFailure) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for index in 0..<Self.varintLength {
      let byte = try byte(field, before: end)
      value |= UInt64(byte & 0x7f) &<< UInt64(7 &* index)
      guard byte & 0x80 == 0 else { continue }
      if byte == 0, index > 0, overlong == nil { overlong = start }
      return value
    }
    throw ParseFailure(.malformed, field, at: start)
  }

  private mutating func fixed(_ width: Int, _ field: StaticString, before end: Int) throws(ParseFailure) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(try byte(field, before: end)) &<< UInt64(8 &* index) }
    return value
  }

  @inline(__always)
  private mutating func byte(_ field: StaticString, before end: Int) throws(ParseFailure) -> UInt8 {
    var index = position &- windowStart
    if index < 0 || index >= window.count {
      fill()
      index = position &- windowStart
    }
    // A number that its message cuts off is malformed; one that the file cuts off is not all there.
    guard position < end, index < window.count else {
      throw ParseFailure(position < source.count ? .malformed : .truncated, field, at: position)
    }
    position &+= 1
    return window[index]
  }

  private mutating func fill() {
    // Reading on doubles the window; a jump starts anew.
    let isNext = position > windowStart && position <= windowStart &+ window.count
    windowLength = isNext ? min(windowLength &* 2, Self.largestWindow) : Self.smallestWindow
    windowStart = position
    bytesRead &+= source.read(at: position, count: windowLength, into: &window)
  }

  /// Up to `limit` bytes of `range`. Leaves the position where it is.
  mutating func bytes(_ range: ByteRange, limit: Int) -> [UInt8] {
    let length = min(range.count, max(0, limit))
    let first = range.start &- windowStart
    if first >= 0, first <= window.count, length <= window.count &- first {
      return Array(window[first..<(first &+ length)])
    }
    // A text at the window's end is taken from a new one, so that what follows it is there too.
    if length < Self.smallestWindow, range.start == position {
      fill()
      return Array(window.prefix(length))
    }
    let bytes = source.prefix(length, at: range.start)
    bytesRead &+= bytes.count
    return bytes
  }

  /// The text in `range`, cut behind `limit` bytes with `…`; what is not UTF-8 shows as U+FFFD.
  mutating func text(_ range: ByteRange, limit: Int) -> String {
    var bytes = bytes(range, limit: limit)
    guard range.count > limit else { return String(decoding: bytes, as: UTF8.self) }
    // The last character may be cut; it goes.
    while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
    if let last = bytes.last, last >= 0xc0 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self) + "…"
  }
}
