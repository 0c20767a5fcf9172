import MScanBytes

/// Finds the entries that any reader of the archive could find: by the central directory where it says it is, where the
/// end record says it ends, by further end records, and by local headers that no directory lists.
///
/// Readers differ (measured): Python's `zipfile` takes the last end record and corrects offsets by what stands before
/// the archive; torch's miniz takes the offset as it is; streaming readers see local headers only.
struct ZipDirectory {
  struct Entry {
    var central: ZipHeader?
    var local: ZipHeader?
    /// Bytes of the member's data, cut to what there is.
    var data: ByteRange
    /// The most bytes that any reader takes for its data, by the other sizes in the headers.
    var widest: ByteRange
    /// Everything of the entry that lies before the directory: header, data, descriptor.
    var extent: ByteRange
  }

  var entries: [Entry] = []
  /// Ranges that records own, apart from the entries.
  var owned: [ByteRange] = []
  var ends: [ZipEnd] = []
  var failures: [ParseFailure] = []
  var isOverLimit = false
  /// A second place where a directory stands, for readers that do not correct its offset.
  var hasSecondDirectory = false

  private let source: ByteSource
  private let limits: Limits
  private var known: Set<Key> = []
  /// Bytes that may still be searched for the ends of members that do not state them.
  private var searchBudget: Int

  private struct Key: Hashable {
    let offset: Int
    let name: [UInt8]
    let method: UInt16
    let compressedSize: Int
    let size: Int
  }

  private static let tailLength = 0xffff + ZipRecord.endLength + 20
  private static let endLimit = 8
  /// Signatures of end records that are looked at; readers take the last good one.
  private static let candidateLimit = 64

  init(_ source: ByteSource, limits: Limits) {
    self.source = source
    self.limits = limits
    searchBudget = limits.heldBytes
    findEnds()
  }

  // MARK: End records

  /// Takes the end records from the last to the first. One inside a member's data is that member's own: an archive
  /// stored in the archive.
  private mutating func findEnds() {
    let start = max(0, source.count - Self.tailLength)
    let tail = source.prefix(Self.tailLength, at: start)
    guard tail.count >= ZipRecord.endLength else { return }
    var at = tail.count - ZipRecord.endLength
    var candidates = Self.candidateLimit
    while at >= 0, ends.count < Self.endLimit, candidates > 0 {
      let byte = tail[at]
      // No signature that starts one, two or three bytes earlier holds this byte.
      guard byte == 0x50 || byte == 0x4b || byte == 5 || byte == 6 else {
        at -= 4
        continue
      }
      if byte == 0x50, tail[at + 1] == 0x4b, tail[at + 2] == 5, tail[at + 3] == 6 {
        candidates -= 1
        let place = ByteRange(at: start + at, count: ZipRecord.endLength)
        if !entries.contains(where: { $0.data.contains(place) }) {
          for end in ZipEnd.readings(source, at: place.start) { accept(end) }
        }
      }
      at -= 1
    }
  }

  private mutating func accept(_ end: ZipEnd) {
    ends.append(end)
    owned.append(ByteRange(end.directoryEnd, min(max(end.commentEnd, end.offset), source.count)))
    readDirectory(end)
  }

  // MARK: Central directory

  private mutating func readDirectory(_ end: ZipEnd) {
    // As zipfile finds it: right before the end record, whatever offset is stated.
    let (start, under) = end.directoryEnd.subtractingReportingOverflow(end.directorySize)
    // As miniz finds it: at the offset stated.
    let isElsewhere = end.directoryOffset != start && isDirectory(at: end.directoryOffset)
    if !under, start >= 0, !isElsewhere || isDirectory(at: start) {
      let correction = start - end.directoryOffset
      hasSecondDirectory = hasSecondDirectory || isElsewhere
      readEntries(from: start, end, correction: correction)
    }
    if isElsewhere { readEntries(from: end.directoryOffset, end, correction: 0) }
  }

  private func isDirectory(at offset: Int) -> Bool { source.prefix(4, at: offset) == [0x50, 0x4b, 1, 2] }

  private mutating func readEntries(from start: Int, _ end: ZipEnd, correction: Int) {
    guard end.directorySize <= source.count - start else {
      failures.append(ParseFailure(.truncated, "central directory", at: start))
      return
    }
    guard end.directorySize <= limits.heldBytes else {
      failures.append(ParseFailure(.limitExceeded, "heldBytes", at: start))
      return
    }
    var cursor = ByteCursor(source.prefix(end.directorySize, at: start), base: start)
    var count = 0
    do throws(ParseFailure) {
      while !cursor.isAtEnd {
        guard count < limits.members else {
          isOverLimit = true
          break
        }
        let at = cursor.offset
        let central = try ZipHeader.central(&cursor)
        if cursor.offset - at < central.length {
          failures.append(ParseFailure(.truncated, "central header", at: at))
        }
        add(central, correction: correction)
        count += 1
      }
    } catch {
      failures.append(error)
    }
    if count != end.entries, count & 0xffff != end.entries {
      failures.append(ParseFailure(.malformed, "total number of entries", at: end.offset))
    }
    owned.append(ByteRange(start, cursor.offset))
  }

  private mutating func add(_ central: ZipHeader, correction: Int) {
    let (sum, over) = central.localOffset.addingReportingOverflow(correction)
    var offset = over || sum < 0 ? source.count : min(sum, source.count)
    var local = ZipHeader.local(source, at: offset)
    if local == nil, let plain = ZipHeader.local(source, at: central.localOffset) {
      (local, offset) = (plain, central.localOffset)
    }
    let key = Key(
      offset: offset, name: central.rawName, method: central.method, compressedSize: central.compressedSize,
      size: central.size)
    guard known.insert(key).inserted else { return }
    entries.append(entry(central: central, local: local, at: offset))
  }

  /// Puts the two headers of an entry together. `offset` is at most the source's length.
  private mutating func entry(central: ZipHeader?, local: ZipHeader?, at offset: Int) -> Entry {
    let headerLength = local?.length ?? ZipRecord.localLength
    let start = min(source.count, offset + headerLength)
    var length = central?.compressedSize ?? local?.compressedSize ?? 0
    if central == nil, let local, local.hasDescriptor, local.compressedSize == 0 {
      length = nextSignature(after: start) - start
    }
    let data = ByteRange(start, min(source.count, ByteRange(at: start, count: length).end))
    // miniz takes the decoded size of a stored member, and streaming readers take the local sizes.
    var widest = max(length, local?.compressedSize ?? 0)
    for header in [central, local].compactMap(\.self) where header.method == 0 { widest = max(widest, header.size) }
    let hasDescriptor = (central ?? local)?.hasDescriptor == true || local?.hasDescriptor == true
    let end = hasDescriptor ? min(source.count, data.end + descriptorLength(at: data.end)) : data.end
    return Entry(
      central: central, local: local, data: data,
      widest: ByteRange(start, min(source.count, ByteRange(at: start, count: widest).end)),
      extent: ByteRange(min(offset, start), end))
  }

  /// A data descriptor is CRC and two sizes, of four or eight bytes, with or without a signature.
  private func descriptorLength(at offset: Int) -> Int {
    let bytes = source.prefix(28, at: offset)
    let hasSignature = bytes.starts(with: [0x50, 0x4b, 7, 8])
    for length in hasSignature ? [16, 24] : [12, 20] where bytes.count > length + 1 {
      if bytes[length] == 0x50, bytes[length + 1] == 0x4b { return length }
    }
    if hasSignature { return 16 }
    // Announced and not there: the next record must not be taken for it.
    return bytes.starts(with: [0x50, 0x4b]) ? 0 : 12
  }

  /// Where the next zip record starts, within a mebibyte; the end of the source otherwise.
  private mutating func nextSignature(after start: Int) -> Int {
    var at = start
    var piece = 1 << 10
    while at < source.count, at - start < 1 << 20, searchBudget > 0 {
      let bytes = source.prefix(piece, at: at)
      searchBudget -= bytes.count
      for index in 0..<max(0, bytes.count - 3) where bytes[index] == 0x50 && bytes[index + 1] == 0x4b {
        let tail = (bytes[index + 2], bytes[index + 3])
        if tail == (1, 2) || tail == (3, 4) || tail == (5, 6) || tail == (7, 8) { return at + index }
      }
      // A signature may lie across two pieces.
      guard bytes.count > 3 else { break }
      at += bytes.count - 3
      piece = min(piece * 2, 1 << 18)
    }
    return source.count
  }

  // MARK: What no directory lists

  /// Gaps between everything that is owned.
  func gaps() -> [ByteRange] {
    var found: [ByteRange] = []
    var at = 0
    for range in (owned + entries.map(\.extent)).sorted() {
      if range.start > at { found.append(ByteRange(at, range.start)) }
      at = max(at, range.end)
    }
    if at < source.count { found.append(ByteRange(at, source.count)) }
    return found
  }

  /// Local headers in the gaps become entries. Returns the gap bytes that were not searched.
  mutating func addUnlisted() -> Int {
    var budget = limits.heldBytes
    var unsearched = 0
    for gap in gaps() {
      guard gap.count <= budget else {
        unsearched += gap.count
        continue
      }
      budget -= gap.count
      search(gap)
    }
    return unsearched
  }

  private mutating func search(_ gap: ByteRange) {
    let bytes = source.prefix(gap.count, at: gap.start)
    var at = 0
    while at + ZipRecord.localLength <= bytes.count, entries.count < limits.members {
      guard bytes[at] == 0x50, bytes[at + 1] == 0x4b, bytes[at + 2] == 3, bytes[at + 3] == 4,
        let local = ZipHeader.local(source, at: gap.start + at)
      else {
        at += 1
        continue
      }
      let found = entry(central: nil, local: local, at: gap.start + at)
      entries.append(found)
      at = max(at + 4, min(found.extent.end, gap.end) - gap.start)
    }
  }
}
