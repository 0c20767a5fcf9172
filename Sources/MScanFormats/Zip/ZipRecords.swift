import MScanBytes
import MScanFacts

/// Record layouts of APPNOTE 6.3.10. Little-endian throughout.
enum ZipRecord {
  static let localSignature: UInt32 = 0x0403_4b50
  static let centralSignature: UInt32 = 0x0201_4b50
  static let endSignature: UInt32 = 0x0605_4b50
  static let zip64EndSignature: UInt32 = 0x0606_4b50
  static let zip64LocatorSignature: UInt32 = 0x0706_4b50
  static let descriptorSignature: UInt32 = 0x0807_4b50

  static let endLength = 22
  static let centralLength = 46
  static let localLength = 30
}

/// The end of central directory record, with the zip64 one behind it merged in.
struct ZipEnd {
  var offset: Int
  /// Where the directory ends: this record, or the zip64 end record before it.
  var directoryEnd: Int
  var entries: Int
  var directorySize: Int
  var directoryOffset: Int
  var commentEnd: Int

  var extent: ByteRange { ByteRange(at: offset, count: ZipRecord.endLength) }

  /// Reads the record at `offset` of `source`; nil when there is none.
  static func read(_ source: ByteSource, at offset: Int) -> ZipEnd? {
    var cursor = ByteCursor(source.prefix(ZipRecord.endLength, at: offset), base: offset)
    do throws(ParseFailure) {
      guard try cursor.readUInt32("signature") == ZipRecord.endSignature else { return nil }
      try cursor.skip(6, "disks")
      let entries = Int(try cursor.readUInt16("entries"))
      let size = Int(try cursor.readUInt32("size of the central directory"))
      let start = Int(try cursor.readUInt32("offset of the central directory"))
      let comment = Int(try cursor.readUInt16("comment length"))
      var end = ZipEnd(
        offset: offset, directoryEnd: offset, entries: entries, directorySize: size, directoryOffset: start,
        commentEnd: offset &+ ZipRecord.endLength &+ comment)
      end.mergeZip64(source, isFull: entries == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff)
      return end
    } catch {
      return nil
    }
  }

  /// - Parameter isFull: whether this record points to the zip64 one. Torch writes both in any case; then they have to
  ///   agree, or the zip64 one is left as bytes that nobody owns.
  private mutating func mergeZip64(_ source: ByteSource, isFull: Bool) {
    guard offset >= 20 else { return }
    var locator = ByteCursor(source.prefix(20, at: offset &- 20), base: offset &- 20)
    guard let signature = try? locator.readUInt32("signature"), signature == ZipRecord.zip64LocatorSignature,
      (try? locator.skip(4, "disk")) != nil, let stated = try? locator.readUInt64("offset")
    else { return }
    let plain = (self.directorySize, self.directoryOffset)
    // The offset is wrong by what was put before the archive: the record also stands right before its locator.
    for place in [Int(exactly: stated) ?? -1, offset &- 20 &- 56] where place >= 0 {
      var record = ByteCursor(source.prefix(56, at: place), base: place)
      guard let mark = try? record.readUInt32("signature"), mark == ZipRecord.zip64EndSignature,
        (try? record.skip(28, "versions")) != nil, let entries = try? record.readUInt64("entries"),
        let size = try? record.readUInt64("size"), let start = try? record.readUInt64("offset"),
        let directorySize = Int(exactly: size), let directoryOffset = Int(exactly: start)
      else { continue }
      if !isFull, entries != UInt64(clamping: self.entries) || (directorySize, directoryOffset) != plain { return }
      self.entries = Int(exactly: entries) ?? .max
      self.directorySize = directorySize
      self.directoryOffset = directoryOffset
      directoryEnd = place
      return
    }
  }
}

/// An entry as the central directory or a local header states it.
struct ZipHeader {
  var name: String
  var rawName: [UInt8]
  var flags: UInt16
  var method: UInt16
  var crc: UInt32
  var compressedSize: Int
  var size: Int
  /// Of the local header; for a local header its own offset.
  var localOffset: Int
  /// Unix mode and DOS attributes; 0 in a local header.
  var attributes: UInt32
  /// Bytes of the record.
  var length: Int

  var isEncrypted: Bool { flags & 1 != 0 }
  var hasDescriptor: Bool { flags & 8 != 0 }
  var isDirectory: Bool { rawName.last == 0x2f && size == 0 }

  /// Reads a central directory entry from bytes in memory.
  static func central(_ cursor: inout ByteCursor) throws(ParseFailure) -> ZipHeader {
    let start = cursor.offset
    guard try cursor.readUInt32("central header signature") == ZipRecord.centralSignature else {
      throw ParseFailure(.malformed, "central header signature", at: start)
    }
    try cursor.skip(4, "versions")
    var header = try fields(&cursor)
    let nameLength = try cursor.readUInt16("file name length")
    let extraLength = try cursor.readUInt16("extra field length")
    let commentLength = try cursor.readUInt16("file comment length")
    try cursor.skip(4, "disk number start")
    header.attributes = try cursor.readUInt32("external file attributes")
    header.localOffset = Int(try cursor.readUInt32("relative offset of local header"))
    header.setName(try cursor.slice(nameLength, "file name"))
    header.readZip64(Array(try cursor.slice(extraLength, "extra field")), withOffset: true)
    try cursor.skip(commentLength, "file comment")
    header.length = cursor.offset &- start
    return header
  }

  /// Reads the local header at `offset`; nil when there is none.
  static func local(_ source: ByteSource, at offset: Int) -> ZipHeader? {
    let head = source.prefix(256, at: offset)
    var cursor = ByteCursor(head, base: offset)
    do throws(ParseFailure) {
      guard try cursor.readUInt32("local header signature") == ZipRecord.localSignature else { return nil }
      try cursor.skip(2, "version")
      var header = try fields(&cursor)
      let nameLength = Int(try cursor.readUInt16("file name length"))
      let extraLength = Int(try cursor.readUInt16("extra field length"))
      let length = ZipRecord.localLength &+ nameLength &+ extraLength
      guard length <= source.count &- offset else { return nil }
      let needsExtra = header.size == 0xffff_ffff || header.compressedSize == 0xffff_ffff
      if nameLength > cursor.remaining || (needsExtra && extraLength > cursor.remaining &- nameLength) {
        cursor = ByteCursor(source.prefix(length, at: offset), base: offset)
        try cursor.skip(ZipRecord.localLength, "local header")
      }
      header.setName(try cursor.slice(nameLength, "file name"))
      if needsExtra { header.readZip64(Array(try cursor.slice(extraLength, "extra field")), withOffset: false) }
      header.localOffset = offset
      header.length = length
      return header
    } catch {
      return nil
    }
  }

  /// Flags to sizes: the run of fields that both headers have.
  private static func fields(_ cursor: inout ByteCursor) throws(ParseFailure) -> ZipHeader {
    let flags = try cursor.readUInt16("general purpose bit flag")
    let method = try cursor.readUInt16("compression method")
    try cursor.skip(4, "last mod time")
    let crc = try cursor.readUInt32("crc-32")
    let compressed = Int(try cursor.readUInt32("compressed size"))
    let size = Int(try cursor.readUInt32("uncompressed size"))
    return ZipHeader(
      name: "", rawName: [], flags: flags, method: method, crc: crc, compressedSize: compressed, size: size,
      localOffset: 0, attributes: 0, length: 0)
  }

  private mutating func setName(_ bytes: ArraySlice<UInt8>) {
    rawName = Array(bytes)
    name = String(decoding: bytes, as: UTF8.self)
  }

  /// Extra field 0x0001: the 64-bit forms of the fields that are full, in order.
  private mutating func readZip64(_ extra: [UInt8], withOffset: Bool) {
    var cursor = ByteCursor(extra)
    while cursor.remaining >= 4 {
      guard let id = try? cursor.readUInt16("id"), let length = try? cursor.readUInt16("length"),
        let body = try? cursor.slice(length, "body")
      else { return }
      guard id == 1 else { continue }
      var values = ByteCursor(Array(body))
      if size == 0xffff_ffff, let value = try? values.readUInt64("size") { size = Int(exactly: value) ?? .max }
      if compressedSize == 0xffff_ffff, let value = try? values.readUInt64("compressed size") {
        compressedSize = Int(exactly: value) ?? .max
      }
      if withOffset, localOffset == 0xffff_ffff, let value = try? values.readUInt64("offset") {
        localOffset = Int(exactly: value) ?? .max
      }
    }
  }
}
