/// A forward-only reader over bytes in memory. Offsets in failures are absolute: `base` is where `bytes[0]` lies in the
/// artifact.
///
/// Little-endian unless a method says otherwise. Every read is checked against the end; none traps.
public struct ByteCursor: Sendable {
  public let bytes: [UInt8]
  public let base: Int
  /// Index into `bytes` of the next byte; `0...bytes.count`.
  @usableFromInline var _index: Int
  public var index: Int { @inlinable get { _index } }

  @inlinable
  public init(_ bytes: [UInt8], base: Int = 0) {
    self.bytes = bytes
    self.base = base
    self._index = 0
  }

  /// Offset of the next byte in the artifact.
  @inlinable public var offset: Int { base &+ index }
  @inlinable public var remaining: Int { bytes.count - index }
  @inlinable public var isAtEnd: Bool { index >= bytes.count }

  @inlinable
  public mutating func readUInt8(_ field: StaticString) throws(ParseFailure) -> UInt8 {
    guard index < bytes.count else { throw ParseFailure(.truncated, field, at: offset) }
    defer { _index = index &+ 1 }
    return bytes[index]
  }

  @inlinable
  public mutating func readUInt16(_ field: StaticString) throws(ParseFailure) -> UInt16 {
    UInt16(truncatingIfNeeded: try readLittleEndian(2, field))
  }

  @inlinable
  public mutating func readUInt32(_ field: StaticString) throws(ParseFailure) -> UInt32 {
    UInt32(truncatingIfNeeded: try readLittleEndian(4, field))
  }

  @inlinable
  public mutating func readUInt64(_ field: StaticString) throws(ParseFailure) -> UInt64 {
    try readLittleEndian(8, field)
  }

  /// An unsigned number of `width` (1 to 8) bytes.
  @inlinable
  public mutating func readLittleEndian(_ width: Int, _ field: StaticString) throws(ParseFailure) -> UInt64 {
    guard width <= remaining else { throw ParseFailure(.truncated, field, at: offset) }
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for position in index..<(index &+ width) {
      value |= UInt64(bytes[position]) &<< shift
      shift &+= 8
    }
    _index = index &+ width
    return value
  }

  /// The next `count` bytes. `count` may be any integer from the wire; it is compared before it is converted.
  @inlinable
  public mutating func slice(
    _ count: some BinaryInteger, _ field: StaticString
  ) throws(ParseFailure) -> ArraySlice<UInt8> {
    guard let length = Int(exactly: count), length >= 0, length <= remaining else {
      throw ParseFailure(.truncated, field, at: offset)
    }
    let start = index
    _index = start &+ length
    return bytes[start..<(start &+ length)]
  }

  @inlinable
  public mutating func skip(_ count: some BinaryInteger, _ field: StaticString) throws(ParseFailure) {
    _ = try slice(count, field)
  }
}
