public import MScanBytes
import MScanFacts

/// `.git/index` of a checkout: the blob of each tracked file. A file that Git LFS brought is tracked by its pointer, which
/// its content determines. Source: git `Documentation/gitformat-index.txt`, versions 2 to 4.
public enum GitIndexRecord {
  static let kind = "git-index"
  static let title = "git index"

  /// Reads the index of the checkout at `folder`; nil when there is none.
  public static func read(_ folder: SystemPath, reported: String, limits: Limits) -> RecordReading? {
    let place = folder.appending(SystemPath(".git/index"))
    guard let file = try? OpenFile(place, followLinks: false) else { return nil }
    let name = reported.isEmpty ? ".git/index" : reported + "/.git/index"
    var reading = RecordReading(kind: kind, record: name, location: place, base: folder)
    // What was deleted from a checkout runs nothing.
    reading.isInScope = false
    guard file.size <= limits.recordBytes else {
      reading.fail("record-limit", "the index has more than the \(limits.recordBytes) bytes that are read")
      return reading
    }
    do throws(ParseFailure) {
      var reader = GitIndexReader(ByteSource(file).prefix(file.size))
      for entry in try reader.entries(limit: limits.recordEntries) where entry.isFile {
        var claim = RecordClaim(
          name: RecordPath.text(entry.path), location: RecordPath.resolve(entry.path, in: folder),
          digests: [Digest(.gitBlob, entry.blob)])
        claim.mayBePointer = true
        reading.claims.append(claim)
      }
    } catch {
      reading.fail("record-malformed", "the index cannot be read: \(error.fieldName) at byte \(error.offset)")
    }
    return reading
  }
}

private struct GitIndexReader {
  struct Entry {
    var path: [UInt8]
    var blob: [UInt8]
    /// A regular file that is checked out and merged.
    var isFile: Bool
  }

  private var cursor: ByteCursor

  init(_ bytes: [UInt8]) { cursor = ByteCursor(bytes) }

  private mutating func bigEndian(_ field: StaticString) throws(ParseFailure) -> UInt32 {
    try cursor.readUInt32(field).byteSwapped
  }

  mutating func entries(limit: Int) throws(ParseFailure) -> [Entry] {
    guard try cursor.slice(4, "signature").elementsEqual("DIRC".utf8) else {
      throw ParseFailure(.malformed, "signature", at: 0)
    }
    let version = try bigEndian("version")
    guard (2...4).contains(version) else { throw ParseFailure(.unsupported, "version", at: 4) }
    let count = try bigEndian("number of entries")
    guard Int(count) <= limit else { throw ParseFailure(.limitExceeded, "number of entries", at: 8) }
    var found: [Entry] = []
    var previous: [UInt8] = []
    for _ in 0..<count {
      let start = cursor.index
      try cursor.skip(24, "stat data")
      let mode = try bigEndian("mode")
      try cursor.skip(12, "owner and size")
      let blob = Array(try cursor.slice(20, "object name"))
      let high = UInt16(try cursor.readUInt8("flags"))
      let flags = high << 8 | UInt16(try cursor.readUInt8("flags"))
      var isSkipped = false
      if flags & 0x4000 != 0 {
        guard version >= 3 else { throw ParseFailure(.malformed, "flags", at: cursor.offset) }
        // Skip-worktree: a sparse checkout leaves the file out.
        isSkipped = try cursor.readUInt8("extended flags") & 0x40 != 0
        _ = try cursor.readUInt8("extended flags")
      }
      let path: [UInt8]
      if version == 4 {
        let removed = try offset()
        guard removed <= previous.count else { throw ParseFailure(.malformed, "prefix length", at: cursor.offset) }
        path = previous.dropLast(removed) + (try text())
      } else {
        path = try text()
        // Padded with NUL to a multiple of eight; one of them is read already.
        let length = cursor.index - start
        try cursor.skip((8 - length % 8) % 8, "padding")
      }
      previous = path
      let stage = flags >> 12 & 3
      found.append(Entry(path: path, blob: blob, isFile: mode & 0xf000 == 0x8000 && stage == 0 && !isSkipped))
    }
    return found
  }

  /// Bytes up to a NUL, which is read too.
  private mutating func text() throws(ParseFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let byte = try cursor.readUInt8("path name")
      if byte == 0 { return bytes }
      bytes.append(byte)
    }
  }

  /// The number of git's packfiles that counts on: seven bits a byte, most significant first.
  private mutating func offset() throws(ParseFailure) -> Int {
    var byte = try cursor.readUInt8("prefix length")
    var value = Int(byte & 0x7f)
    while byte & 0x80 != 0 {
      guard value < 1 << 24 else { throw ParseFailure(.malformed, "prefix length", at: cursor.offset) }
      byte = try cursor.readUInt8("prefix length")
      value = (value + 1) << 7 | Int(byte & 0x7f)
    }
    return value
  }
}
