import MScanBytes

/// Where the members of a tar archive lie, as far as every reader agrees.
enum TarMembers {
  /// Headers that are followed. Count; 65,536: more than any archive of models has.
  private static let headers = 1 << 16

  /// Whether the zip whose end record stands at `end` is one member of the archive, whole: then what a zip reader finds in
  /// the archive is what is read as that member. Not so when the zip's offsets fit the archive as well, or when a record
  /// moves the members' borders.
  static func isMember(zipEndingAt end: Int, of source: ByteSource) -> Bool {
    guard let data = member(around: end, of: source), source.prefix(4, at: data.start) == [0x50, 0x4b, 3, 4] else {
      return false
    }
    let readings = ZipEnd.readings(source, at: end)
    return !readings.isEmpty
      && readings.allSatisfy { reading in
        let directory = reading.directoryEnd &- reading.directorySize
        return reading.commentEnd <= data.end && directory &- reading.directoryOffset == data.start
          && source.prefix(4, at: reading.directoryOffset) != [0x50, 0x4b, 1, 2]
      }
  }

  /// Bytes of the member that `offset` is in, header by header from the start.
  private static func member(around offset: Int, of source: ByteSource) -> ByteRange? {
    var at = 0
    for _ in 0..<headers {
      guard at <= offset, let header = TarHeader(source.prefix(TarHeader.blockSize, at: at)), !header.isSparse else {
        return nil
      }
      let start = at &+ TarHeader.blockSize
      let size = header.hasData ? header.size : 0
      guard size <= source.count &- start else { return nil }
      if header.type == 0x78 || header.type == 0x67 {
        let records = PaxRecords(source.prefix(min(size, 1 << 16), at: start))
        guard records.isWhole, records["size"] == nil, !records.all.contains(where: { $0.key.hasPrefix("GNU.sparse.") })
        else { return nil }
      }
      if offset < start &+ size { return offset < start ? nil : ByteRange(start, start &+ size) }
      at = start &+ (size &+ TarHeader.blockSize &- 1) / TarHeader.blockSize &* TarHeader.blockSize
    }
    return nil
  }
}
