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

/// The end of central directory record, as one kind of reader takes it together with a zip64 one.
struct ZipEnd {
  var offset: Int
  /// Where the directory ends: this record, or the zip64 end record before it.
  var directoryEnd: Int
  var entries: Int
  var directorySize: Int
  var directoryOffset: Int
  var commentEnd: Int

  var extent: ByteRange { ByteRange(at: offset, count: ZipRecord.endLength) }

  /// The record at `offset` of `source`, in every way that readers take it; empty when there is none.
  ///
  /// Python's `zipfile` and miniz believe a zip64 record whether or not this one asks for it, the first where it has to
  /// stand, the second where its locator says; other readers believe it only when asked. Torch writes both in any case.
  static func readings(_ source: ByteSource, at offset: Int) -> [ZipEnd] {
    var cursor = ByteCursor(source.prefix(ZipRecord.endLength, at: offset), base: offset)
    do throws(ParseFailure) {
      guard try cursor.readUInt32("signature") == ZipRecord.endSignature else { return [] }
      try cursor.skip(6, "disks")
      let entries = Int(try cursor.readUInt16("entries"))
      let size = Int(try cursor.readUInt32("size of the central directory"))
      let start = Int(try cursor.readUInt32("offset of the central directory"))
      let comment = Int(try cursor.readUInt16("comment length"))
      let end = ZipEnd(
        offset: offset, directoryEnd: offset, entries: entries, directorySize: size, directoryOffset: start,
        commentEnd: offset &+ ZipRecord.endLength &+ comment)
      let wide = end.zip64Readings(source)
      let isAsked = entries == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff
      if wide.isEmpty || !isAsked && wide.contains(where: { !$0.agrees(with: end) }) { return wide + [end] }
      return wide
    } catch {
      return []
    }
  }

  private func agrees(with other: ZipEnd) -> Bool {
    entries == other.entries && directorySize == other.directorySize && directoryOffset == other.directoryOffset
  }

  private func zip64Readings(_ source: ByteSource) -> [ZipEnd] {
    guard offset >= 20 else { return [] }
    var locator = ByteCursor(source.prefix(20, at: offset &- 20), base: offset &- 20)
    guard let signature = try? locator.readUInt32("signature"), signature == ZipRecord.zip64LocatorSignature,
      (try? locator.skip(4, "disk")) != nil, let stated = try? locator.readUInt64("offset")
    else { return [] }
    let behind = offset &- 20 &- 56
    let places = Int(exactly: stated) == behind ? [behind] : [behind, Int(exactly: stated) ?? -1]
    return places.filter { $0 >= 0 }.compactMap { place in
      var record = ByteCursor(source.prefix(56, at: place), base: place)
      guard let mark = try? record.readUInt32("signature"), mark == ZipRecord.zip64EndSignature,
        (try? record.skip(28, "versions")) != nil, let entries = try? record.readUInt64("entries"),
        let size = try? record.readUInt64("size"), let start = try? record.readUInt64("offset"),
        let directorySize = Int(exactly: size), let directoryOffset = Int(exactly: start)
      else { return nil }
      var end = self
      end.entries = Int(exactly: entries) ?? .max
      end.directorySize = directorySize
      end.directoryOffset = directoryOffset
      end.directoryEnd = place
      return end
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
  /// The name that the Info-ZIP Unicode path field has instead; nil without one. `unzip`, 7-Zip, libarchive and Python
  /// from 3.13 on unpack under it.
  var unicodeName: [UInt8]?
  /// Bytes of the record.
  var length: Int
  /// First bytes of the data behind a local header, up to 64, that were read along with it; empty where none were.
  var dataHead: [UInt8] = []

  var isEncrypted: Bool { flags & 1 != 0 }
  var hasDescriptor: Bool { flags & 8 != 0 }
  var isDirectory: Bool { rawName.last == 0x2f && size == 0 && compressedSize == 0 }

  /// Reads a central directory entry from bytes in memory. Name, extra field and comment may be cut by the end of the
  /// directory, as `zipfile` lets them; `length` then is more than there was.
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
    header.setName(try cursor.slice(min(Int(nameLength), cursor.remaining), "file name"))
    let extra = try cursor.slice(min(Int(extraLength), cursor.remaining), "extra field")
    header.readExtra(Array(extra), withOffset: true)
    try cursor.skip(min(Int(commentLength), cursor.remaining), "file comment")
    header.length = ZipRecord.centralLength &+ Int(nameLength) &+ Int(extraLength) &+ Int(commentLength)
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
      if needsExtra { header.readExtra(Array(try cursor.slice(extraLength, "extra field")), withOffset: false) }
      header.localOffset = offset
      header.length = length
      if length &+ 64 <= head.count { header.dataHead = Array(head[length..<(length &+ 64)]) }
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

  /// Extra field 0x0001: the 64-bit forms of the fields that are full, in order. Extra field 0x7075: version, checksum of
  /// the name it replaces, and the other name.
  private mutating func readExtra(_ extra: [UInt8], withOffset: Bool) {
    var cursor = ByteCursor(extra)
    while cursor.remaining >= 4 {
      guard let id = try? cursor.readUInt16("id"), let length = try? cursor.readUInt16("length"),
        let body = try? cursor.slice(length, "body")
      else { return }
      if id == 0x7075, body.count > 5 { unicodeName = Array(body.dropFirst(5)) }
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
