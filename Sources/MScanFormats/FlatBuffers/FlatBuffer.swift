import MScanBytes

/// Checked access to a FlatBuffers file, by offset: tables, vectors and strings, each held against the end of the file
/// before it is used. Nothing is followed that the caller does not ask for, so that a cycle costs no more than the
/// steps that ``Limits/flatBufferSteps`` allows.
///
/// Bytes come through small pages: tables lie scattered between weights of any size. Source: the FlatBuffers internals
/// document. Worked example, a table of one `uint` field:
///
///     0c 00 00 00                 the root table is at 12
///     06 00  08 00  04 00  00 00  vtable at 4: its own length, the table's, field 0 at 4; padding
///     08 00 00 00  2a 00 00 00    table at 12: its vtable is 8 bytes before it; field 0 is 42
struct FlatBuffer {
  struct Table {
    let position: Int
    let length: Int
    fileprivate let vtable: Int
    fileprivate let vtableLength: Int

    var range: ByteRange { ByteRange(at: position, count: length) }
  }

  struct Vector {
    /// First element.
    let start: Int
    let count: Int
    let width: Int

    var range: ByteRange { ByteRange(at: start, count: count &* width) }
  }

  private static let pageLength = 4096
  private static let pageCount = 256

  let source: ByteSource
  /// End of the last byte that anything asked for lies in.
  private(set) var reach = 0
  private var pages: [[UInt8]]
  private var numbers: [Int]
  private var stepsLeft: Int

  init(_ source: ByteSource, limits: Limits) {
    self.source = source
    stepsLeft = limits.flatBufferSteps
    pages = [[UInt8]](repeating: [], count: Self.pageCount)
    numbers = [Int](repeating: -1, count: Self.pageCount)
  }

  // MARK: Bytes

  /// A little-endian number of `width` (1 to 8) bytes.
  mutating func unsigned(_ width: Int, at offset: Int, _ field: StaticString) throws(ParseFailure) -> UInt64 {
    guard offset >= 0, offset <= source.count, width <= source.count &- offset else {
      throw ParseFailure(.truncated, field, at: min(max(0, offset), source.count))
    }
    reach = max(reach, offset &+ width)
    var value: UInt64 = 0
    for step in 0..<width {
      let at = offset &+ step
      let number = at / Self.pageLength
      let slot = number % Self.pageCount
      if numbers[slot] != number {
        source.read(at: number &* Self.pageLength, count: Self.pageLength, into: &pages[slot])
        numbers[slot] = number
      }
      let index = at % Self.pageLength
      guard index < pages[slot].count else { throw ParseFailure(.unreadable, field, at: at) }
      value |= UInt64(pages[slot][index]) &<< UInt64(step &* 8)
    }
    return value
  }

  /// Where the offset stored at `position` points.
  private mutating func target(at position: Int, _ field: StaticString) throws(ParseFailure) -> Int {
    let offset = try unsigned(4, at: position, field)
    // Both are below 2^63, and the first below 2^32.
    let target = position &+ Int(truncatingIfNeeded: offset)
    guard offset > 0, target < source.count else { throw ParseFailure(.malformed, field, at: position) }
    return target
  }

  /// Pays for `steps`, whose places the file may share between any number of parts.
  ///
  /// - Throws: `limitExceeded` (field `flatBufferSteps`).
  mutating func charge(_ steps: Int, at offset: Int) throws(ParseFailure) {
    guard steps <= stepsLeft else { throw ParseFailure(.limitExceeded, "flatBufferSteps", at: offset) }
    stepsLeft &-= steps
  }

  // MARK: Tables

  mutating func root(_ field: StaticString) throws(ParseFailure) -> Table { try table(offsetAt: 0, field) }

  /// The table that the offset at `position` points to.
  ///
  /// - Throws: `limitExceeded` (field `flatBufferSteps`) besides what is wrong with it.
  mutating func table(offsetAt position: Int, _ field: StaticString) throws(ParseFailure) -> Table {
    try charge(1, at: position)
    let start = try target(at: position, field)
    let back = Int32(truncatingIfNeeded: Int(truncatingIfNeeded: try unsigned(4, at: start, field)))
    let vtable = start &- Int(back)
    let vtableLength = Int(try unsigned(2, at: vtable, field))
    let length = Int(try unsigned(2, at: vtable &+ 2, field))
    guard vtableLength >= 4, vtableLength % 2 == 0, vtableLength <= source.count &- vtable, length >= 4,
      length <= source.count &- start
    else { throw ParseFailure(.malformed, field, at: start) }
    reach = max(reach, vtable &+ vtableLength, start &+ length)
    return Table(position: start, length: length, vtable: vtable, vtableLength: vtableLength)
  }

  /// Where the field with a number lies; nil when the table leaves it out.
  private mutating func position(
    of number: Int, in table: Table, _ field: StaticString
  ) throws(ParseFailure) -> Int? {
    let entry = 4 &+ 2 &* number
    guard entry &+ 2 <= table.vtableLength else { return nil }
    let offset = Int(try unsigned(2, at: table.vtable &+ entry, field))
    guard offset > 0 else { return nil }
    guard offset < table.length else { throw ParseFailure(.malformed, field, at: table.vtable &+ entry) }
    return table.position &+ offset
  }

  mutating func number(
    _ number: Int, of table: Table, width: Int, default value: UInt64 = 0, _ field: StaticString
  ) throws(ParseFailure) -> UInt64 {
    guard let position = try position(of: number, in: table, field) else { return value }
    return try unsigned(width, at: position, field)
  }

  mutating func child(_ number: Int, of table: Table, _ field: StaticString) throws(ParseFailure) -> Table? {
    guard let position = try position(of: number, in: table, field) else { return nil }
    return try self.table(offsetAt: position, field)
  }

  // MARK: Vectors

  /// A vector of elements of `width` bytes; nil when the table leaves it out.
  mutating func vector(
    _ number: Int, of table: Table, width: Int, _ field: StaticString
  ) throws(ParseFailure) -> Vector? {
    guard let position = try position(of: number, in: table, field) else { return nil }
    return try vector(offsetAt: position, width: width, field)
  }

  private mutating func vector(
    offsetAt position: Int, width: Int, _ field: StaticString
  ) throws(ParseFailure) -> Vector {
    let start = try target(at: position, field)
    let count = Int(try unsigned(4, at: start, field))
    guard count <= (source.count &- start &- 4) / width else { throw ParseFailure(.truncated, field, at: start) }
    let vector = Vector(start: start &+ 4, count: count, width: width)
    reach = max(reach, vector.range.end)
    return vector
  }

  /// A table of a vector of tables.
  mutating func table(_ index: Int, of vector: Vector, _ field: StaticString) throws(ParseFailure) -> Table {
    guard index >= 0, index < vector.count else { throw ParseFailure(.malformed, field, at: vector.start) }
    return try table(offsetAt: vector.start &+ index &* vector.width, field)
  }

  mutating func number(_ index: Int, of vector: Vector, _ field: StaticString) throws(ParseFailure) -> UInt64 {
    guard index >= 0, index < vector.count else { throw ParseFailure(.malformed, field, at: vector.start) }
    try charge(1, at: vector.start)
    return try unsigned(vector.width, at: vector.start &+ index &* vector.width, field)
  }

  // MARK: Strings

  /// Up to `limit` bytes of a string as text; nil when the table leaves it out.
  mutating func string(
    _ number: Int, of table: Table, limit: Int, _ field: StaticString
  ) throws(ParseFailure) -> String? {
    guard let vector = try vector(number, of: table, width: 1, field) else { return nil }
    return try text(vector, limit: limit)
  }

  /// A string of a vector of strings.
  mutating func string(
    _ index: Int, of vector: Vector, limit: Int, _ field: StaticString
  ) throws(ParseFailure) -> String {
    guard index >= 0, index < vector.count else { throw ParseFailure(.malformed, field, at: vector.start) }
    return try text(try self.vector(offsetAt: vector.start &+ index &* vector.width, width: 1, field), limit: limit)
  }

  private mutating func text(_ vector: Vector, limit: Int) throws(ParseFailure) -> String {
    try charge(1 &+ min(vector.count, limit) / 64, at: vector.start)
    // A string ends with a zero that its length leaves out.
    reach = max(reach, min(vector.range.end &+ 1, source.count))
    return String(decoding: source.prefix(min(vector.count, limit), at: vector.start), as: UTF8.self)
  }
}
