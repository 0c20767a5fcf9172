import MScanBytes

/// Forward reads over a source of any size, through a window of 64 KiB: what is skipped is not read, and behind a gap the
/// window is small.
///
/// Offsets are those of the source. Little-endian until ``isBigEndian`` is set.
struct WindowReader {
  private static let windowLength = 1 << 16
  private static let shortLength = 1 << 12

  let source: ByteSource
  var isBigEndian = false
  private var window: [UInt8] = []
  private var windowStart = 0
  /// Offset of the next byte; never behind the end.
  private(set) var offset: Int

  init(_ source: ByteSource, at offset: Int = 0) {
    self.source = source
    self.offset = min(max(0, offset), source.count)
  }

  var remaining: Int { source.count &- offset }

  /// Index in the window of the next byte, once `count` bytes from it are in the window.
  private mutating func fill(_ count: Int, _ field: StaticString) throws(ParseFailure) -> Int {
    let index = offset &- windowStart
    if index >= 0, count <= window.count &- index { return index }
    guard count <= remaining else { throw ParseFailure(.truncated, field, at: offset) }
    let isSequential = offset <= windowStart &+ window.count
    let length = isSequential ? Self.windowLength : Self.shortLength
    source.read(at: offset, count: max(count, length), into: &window)
    windowStart = offset
    guard window.count >= count else { throw ParseFailure(.unreadable, field, at: offset) }
    return 0
  }

  mutating func readUInt8(_ field: StaticString) throws(ParseFailure) -> UInt8 {
    let index = try fill(1, field)
    offset &+= 1
    return window[index]
  }

  mutating func readUInt16(_ field: StaticString) throws(ParseFailure) -> UInt16 {
    UInt16(truncatingIfNeeded: try readUnsigned(2, field))
  }

  mutating func readUInt32(_ field: StaticString) throws(ParseFailure) -> UInt32 {
    UInt32(truncatingIfNeeded: try readUnsigned(4, field))
  }

  mutating func readUInt64(_ field: StaticString) throws(ParseFailure) -> UInt64 { try readUnsigned(8, field) }

  /// An unsigned number of `width` (1 to 8) bytes.
  mutating func readUnsigned(_ width: Int, _ field: StaticString) throws(ParseFailure) -> UInt64 {
    let index = try fill(width, field)
    offset &+= width
    var value: UInt64 = 0
    for step in 0..<width {
      let at = isBigEndian ? index &+ step : index &+ width &- 1 &- step
      value = value &<< 8 | UInt64(window[at])
    }
    return value
  }

  /// The next `count` bytes; the caller has bounded `count`.
  mutating func bytes(_ count: Int, _ field: StaticString) throws(ParseFailure) -> [UInt8] {
    let index = try fill(max(0, count), field)
    offset &+= max(0, count)
    return Array(window[index..<(index &+ max(0, count))])
  }

  /// Moves on without reading. `count` may be any integer from the wire; it is compared before it is converted.
  mutating func skip(_ count: some BinaryInteger, _ field: StaticString) throws(ParseFailure) {
    guard let length = Int(exactly: count), length >= 0, length <= remaining else {
      throw ParseFailure(.truncated, field, at: offset)
    }
    offset &+= length
  }
}
