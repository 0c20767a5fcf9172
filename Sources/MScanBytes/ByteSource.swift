/// Random access to the decoded bytes of one artifact: a window of a file on disk, or bytes held in memory.
///
/// Offsets are relative to the source. Reading past the end reads fewer bytes, never traps. A file that shrinks while
/// it is scanned reads short, because reads are `pread(2)` and never a memory map.
public struct ByteSource: Sendable {
  @usableFromInline
  enum Storage: Sendable {
    case memory([UInt8])
    case file(OpenFile)
  }

  @usableFromInline let storage: Storage
  /// First byte of this source inside `storage`. `0 <= base`.
  @usableFromInline let base: Int
  /// Length in bytes.
  public let count: Int

  init(storage: Storage, base: Int, count: Int) {
    self.storage = storage
    self.base = max(0, base)
    self.count = max(0, count)
  }

  public init(_ bytes: [UInt8]) {
    self.init(storage: .memory(bytes), base: 0, count: bytes.count)
  }

  public init(_ file: OpenFile) {
    self.init(storage: .file(file), base: 0, count: file.size)
  }

  /// A file that is read at once when it has at most `limit` bytes: what its readers ask for again costs no call then.
  public init(_ file: OpenFile, whole limit: Int) {
    var bytes: [UInt8] = []
    if file.size > 0, file.size <= limit, file.read(at: 0, count: file.size, into: &bytes) == file.size {
      self.init(bytes)
    } else {
      self.init(file)
    }
  }

  /// The part of this source that `range` covers, cut to what there is.
  public func slice(_ range: ByteRange) -> ByteSource {
    let start = min(range.start, count)
    let end = min(range.end, count)
    return ByteSource(storage: storage, base: base + start, count: end - start)
  }

  /// Replaces the contents of `buffer` with up to `length` bytes at `offset`.
  ///
  /// - Returns: how many bytes were read; fewer than `length` only at the end of the source or on a read error.
  @discardableResult
  public func read(at offset: Int, count length: Int, into buffer: inout [UInt8]) -> Int {
    guard offset >= 0, offset < count, length > 0 else {
      buffer.removeAll(keepingCapacity: true)
      return 0
    }
    let wanted = min(length, count - offset)
    switch storage {
    case .memory(let bytes):
      buffer.removeAll(keepingCapacity: true)
      buffer.append(contentsOf: bytes[(base + offset)..<(base + offset + wanted)])
      return wanted
    case .file(let file):
      return file.read(at: base + offset, count: wanted, into: &buffer)
    }
  }

  /// The bytes of `range`, all of them.
  ///
  /// - Throws: `truncated` if the source is shorter, `limitExceeded` if the range is longer than `limit` bytes.
  public func bytes(
    _ range: ByteRange, limit: Int = 64 << 20, field: StaticString = "bytes"
  ) throws(ParseFailure) -> [UInt8] {
    guard range.count <= limit else { throw ParseFailure(.limitExceeded, field, at: range.start) }
    guard range.end <= count else { throw ParseFailure(.truncated, field, at: range.start) }
    var buffer: [UInt8] = []
    guard read(at: range.start, count: range.count, into: &buffer) == range.count else {
      throw ParseFailure(.unreadable, field, at: range.start)
    }
    return buffer
  }

  /// Up to `length` bytes at `offset`; fewer at the end.
  public func prefix(_ length: Int, at offset: Int = 0) -> [UInt8] {
    var buffer: [UInt8] = []
    read(at: offset, count: length, into: &buffer)
    return buffer
  }
}
