import MScanBytes
public import MScanFacts

/// 7z archives, as 7-Zip and py7zr unpack them. Folders are decoded one after the other into one spool, since most
/// archives pack all their files in one stream; a stored folder is read in place.
public enum SevenZipFormat: Format {
  public static let id = "7z"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = SevenZipReader(input: input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      reader.state(error, into: &sink)
    }
    sink.sortFacts(after: mark)
  }
}

struct SevenZipReader: ArchiveReader {
  let input: ArtifactInput
  /// Ranges that the archive says are its own.
  private var owned: [ByteRange] = []
  private static let signatureLength = 32
  /// Bytes that a range coder may leave behind the last symbol.
  private static let slack = 16
  /// Headers packed in headers.
  private static let headerDepth = 4

  init(input: ArtifactInput) { self.input = input }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    var cursor = ByteCursor(source.prefix(Self.signatureLength))
    try cursor.skip(8, "signature")
    let startChecksum = try cursor.readUInt32("start header crc")
    let start = source.prefix(20, at: 12)
    let offset = try cursor.readUInt64("next header offset")
    let size = try cursor.readUInt64("next header size")
    let checksum = try cursor.readUInt32("next header crc")
    owned.append(ByteRange(0, Self.signatureLength))
    if Inflate.crc32(start) != startChecksum { stateChecksum("start header crc", at: 8, into: &sink) }
    guard size > 0 else { return stateEnd(of: SevenZipHeader(), into: &sink) }
    guard let offset = Int(exactly: offset), let size = Int(exactly: size),
      offset <= source.count - Self.signatureLength, size <= source.count - Self.signatureLength - offset
    else { throw ParseFailure(.truncated, "next header", at: 12) }
    let range = ByteRange(at: Self.signatureLength + offset, count: size)
    owned.append(range)
    let bytes = try source.bytes(range, limit: input.limits.heldBytes, field: "heldBytes")
    if Inflate.crc32(bytes) != checksum { stateChecksum("next header crc", at: 28, into: &sink) }
    let header = try unpackHeader(bytes, at: range.start)
    try readFiles(header, at: range, into: &sink)
    stateEnd(of: header, into: &sink)
  }

  /// States why the archive was given up. A header that is encrypted is no flaw of the archive.
  func state(_ failure: ParseFailure, into sink: inout FactBuffer) {
    guard failure.fieldName == Self.encryptedHeader.description else {
      return sink.emit(failure, format: SevenZipFormat.id, artifact: input.index, size: source.count)
    }
    anomaly(
      "7z.encrypted", ByteRange(at: failure.offset, count: 1), field: failure.fieldName, "names and files",
      incomplete: true, into: &sink)
  }

  private static let encryptedHeader: StaticString = "encrypted header"

  private func stateChecksum(_ field: String, at offset: Int, into sink: inout FactBuffer) {
    anomaly(
      "7z.bad-checksum", ByteRange(at: offset, count: 4), field: field, "the \(field) does not hold", into: &sink)
  }

  /// The header, unpacked as often as it is packed.
  private mutating func unpackHeader(_ first: [UInt8], at offset: Int) throws(ParseFailure) -> SevenZipHeader {
    var bytes = first
    for _ in 0..<Self.headerDepth {
      switch try SevenZipHeader.read(bytes, at: offset, limits: input.limits) {
      case .header(let header): return header
      case .encoded(let streams):
        guard let folder = streams.folders.first else { throw ParseFailure(.malformed, "encoded header", at: offset) }
        let packed = try packedStreams(streams, at: offset)
        guard let range = packed.first else { throw ParseFailure(.malformed, "encoded header", at: offset) }
        owned += packed
        bytes = try header(of: folder, in: range)
      }
    }
    throw ParseFailure(.limitExceeded, "nesting", at: offset)
  }

  private func header(of folder: SevenZipHeader.Folder, in range: ByteRange) throws(ParseFailure) -> [UInt8] {
    let size = folder.unpackSize
    guard size <= input.limits.heldBytes else { throw ParseFailure(.limitExceeded, "heldBytes", at: range.start) }
    switch SevenZipMethod.of(folder) {
    case .stored: return source.slice(range).prefix(size)
    case .encrypted: throw ParseFailure(.unsupported, Self.encryptedHeader, at: range.start)
    case .unsupported: throw ParseFailure(.unsupported, "encoded header", at: range.start)
    case .packed(let codec):
      let output = Decompression.bytes(of: source.slice(range), codec, limit: size)
      // One byte more than wanted is a limit, and no harm.
      if let failure = output.failure, failure.reason != .limitExceeded || failure.fieldName != "memberBytes" {
        throw ParseFailure(failure.reason, failure.field, at: range.start + failure.offset)
      }
      return output.bytes
    }
  }

  /// Where the packed streams lie, cut to what there is.
  private func packedStreams(_ streams: SevenZipHeader.Streams, at offset: Int) throws(ParseFailure) -> [ByteRange] {
    var ranges: [ByteRange] = []
    var (at, over) = streams.packPosition.addingReportingOverflow(Self.signatureLength)
    for size in streams.packSizes {
      let (end, overEnd) = at.addingReportingOverflow(size)
      guard !over, !overEnd else { throw ParseFailure(.malformed, "pack size", at: offset) }
      ranges.append(ByteRange(min(at, source.count), min(end, source.count)))
      (at, over) = (end, false)
    }
    return ranges
  }

  // MARK: Files

  /// What one folder came to.
  private struct Unpacked {
    var method: String
    var packed: ByteRange
    /// The decoded bytes; nil when they were not decoded.
    var source: ByteSource?
    /// Where the folder starts in the file, when it is stored.
    var inPlace: Bool
    var isEncrypted: Bool
  }

  private func readFiles(
    _ header: SevenZipHeader, at place: ByteRange, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    let folders = try unpack(header, at: place.start, into: &sink)
    var names = MemberNames()
    var folder = 0
    var file = 0
    var offset = 0
    for (index, entry) in header.files.enumerated() {
      let name = String(decoding: entry.name, as: UTF16.self)
      var flags = MemberNames.flags(of: name)
      flags += Self.flags(of: entry)
      if entry.hasStream || entry.isEmptyFile { flags += names.add(name.utf8, index: index).flags }
      if entry.isAnti {
        anomaly("7z.anti-item", place, field: "anti", name, place: .member(name), into: &sink)
      }
      while entry.hasStream, folder < folders.count, file >= header.streams.folders[folder].files.count {
        (folder, file, offset) = (folder + 1, 0, 0)
      }
      guard entry.hasStream, folder < folders.count else {
        if entry.hasStream {
          anomaly(
            "7z.malformed", place, field: "files", "\(name) has no data", incomplete: true, place: .member(name),
            into: &sink)
        }
        state(name, "stored", ByteRange(place.start, place.start), size: 0, flags, into: &sink)
        continue
      }
      let stated = header.streams.folders[folder].files[file]
      member(name, folders[folder], ByteRange(at: offset, count: stated.size), stated.crc, flags, into: &sink)
      offset += stated.size
      file += 1
    }
  }

  /// Decodes the folders one behind the other into one spool.
  private func unpack(
    _ header: SevenZipHeader, at offset: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) -> [Unpacked] {
    let streams = header.streams
    let ranges = try packedStreams(streams, at: offset)
    let bounds = Decompression.Bounds(input.limits)
    var spool = Spool(memory: bounds.spoolBytes, fallback: bounds.heldBytes)
    var parts: [(folder: Unpacked, range: ByteRange)] = []
    var next = 0
    for folder in streams.folders {
      let own = ranges[min(next, ranges.count)..<min(next + folder.packed.count, ranges.count)]
      next += folder.packed.count
      let packed = ByteRange(own.first?.start ?? 0, own.last?.end ?? 0)
      var part = Unpacked(
        method: SevenZipMethod.names(of: folder), packed: packed, source: nil, inPlace: false, isEncrypted: false)
      let start = spool.count
      switch SevenZipMethod.of(folder) {
      case .stored: (part.inPlace, part.source) = (true, source.slice(packed))
      case .encrypted:
        part.isEncrypted = true
        anomaly("7z.encrypted", packed, field: "coder", part.method, incomplete: true, into: &sink)
      case .unsupported:
        anomaly("7z.unsupported-method", packed, field: "coder", part.method, incomplete: true, into: &sink)
      case .packed(let codec):
        let (used, failure) = Decompression.decode(source.slice(packed), codec, bounds: bounds, into: &spool)
        if failure == nil, packed.count - used > Self.slack {
          stateGap(ByteRange(packed.start + used, packed.end), into: &sink)
        }
        if let failure {
          let moved = ParseFailure(failure.reason, failure.field, at: packed.start + failure.offset)
          sink.emit(moved, format: SevenZipFormat.id, artifact: input.index, size: source.count)
        } else if spool.count - start != folder.unpackSize {
          anomaly(
            "7z.malformed", packed, field: "unpack size",
            "\(spool.count - start) bytes unpacked, \(folder.unpackSize) stated", incomplete: true, into: &sink)
        }
      }
      parts.append((part, ByteRange(start, spool.count)))
    }
    let decoded = spool.finish()
    return parts.map { part in
      var folder = part.folder
      if folder.source == nil, !part.range.isEmpty { folder.source = decoded.slice(part.range) }
      return folder
    }
  }

  private func member(
    _ name: String, _ folder: Unpacked, _ range: ByteRange, _ crc: UInt32?, _ flags: [MemberFact.Flag],
    into sink: inout FactBuffer
  ) {
    var flags = flags
    if folder.isEncrypted { flags.append(.encrypted) }
    let data = folder.source?.slice(range)
    if let data, let crc, data.count == range.count, data.count <= 4 << 20, Inflate.crc32(data) != crc {
      flags.append(.badChecksum)
    }
    // Where the stream ends before the member starts, the member is at its end.
    let start = min(ByteRange(at: folder.packed.start, count: range.start).end, source.count)
    let place =
      folder.inPlace ? ByteRange(at: start, count: min(data?.count ?? 0, source.count - start)) : folder.packed
    state(name, folder.method, place, size: range.count, flags, into: &sink)
    if folder.inPlace, let data, data.count < range.count {
      anomaly(
        "7z.truncated", folder.packed, field: "pack size", "\(name) ends before its data does", incomplete: true,
        place: .member(name), into: &sink)
    }
    guard let data, data.count > 0 else { return }
    sink.addChild(
      Artifact(
        name: name, parent: input.index, rangeInParent: place, encoding: folder.inPlace ? .stored : .sevenZip,
        size: data.count), source: data)
  }

  private func state(
    _ name: String, _ method: String, _ range: ByteRange, size: Int, _ flags: [MemberFact.Flag],
    into sink: inout FactBuffer
  ) {
    sink.emit(
      .member(MemberFact(name: name, method: method, compressedSize: range.count, size: size, flags: flags)),
      artifact: input.index, range: range, place: .member(name))
  }

  /// Flags that the attributes tell: Unix modes in the upper half when bit 15 is set, reparse points of Windows.
  private static func flags(of file: SevenZipHeader.File) -> [MemberFact.Flag] {
    guard let attributes = file.attributes else { return [] }
    var flags: [MemberFact.Flag] = []
    let mode = attributes & 0x8000 != 0 ? attributes >> 16 & 0o170000 : 0
    if mode == 0o120000 || attributes & 0x400 != 0 { flags.append(.link) }
    if [0o010000, 0o020000, 0o060000].contains(mode) { flags.append(.device) }
    return flags
  }

  // MARK: The archive as a whole

  private mutating func stateEnd(of header: SevenZipHeader, into sink: inout FactBuffer) {
    if header.files.isEmpty {
      anomaly("7z.empty", ByteRange(0, 0), field: "files", "an archive without members", incomplete: true, into: &sink)
    }
    if let ranges = try? packedStreams(header.streams, at: 0) { owned += ranges }
    var at = 0
    for range in owned.sorted() + [ByteRange(source.count, source.count)] {
      if range.start > at { stateGap(ByteRange(at, range.start), into: &sink) }
      at = max(at, range.end)
    }
  }

  private func stateGap(_ gap: ByteRange, into sink: inout FactBuffer) {
    let subject = gap.end == source.count ? "7z.trailing-bytes" : "7z.unaccounted-bytes"
    anomaly(subject, gap, "\(gap.count) bytes that no stream owns", into: &sink)
    sink.addChild(
      Artifact(
        name: "bytes at \(gap.start)", parent: input.index, rangeInParent: gap, encoding: .stored, size: gap.count),
      source: source.slice(gap))
  }
}
