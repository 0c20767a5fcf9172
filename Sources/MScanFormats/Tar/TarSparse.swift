import MScanBytes

/// Where the stored pieces of a sparse member belong. Four notations: the old one in the header and the blocks behind it,
/// and 0.0, 0.1 and 1.0 in pax records. Source: the GNU tar manual, "Storing Sparse Files".
struct TarSparse {
  struct Piece {
    var offset: Int
    var count: Int
  }

  var pieces: [Piece] = []
  /// Size of the member with its holes.
  var size = 0
  /// Bytes before the pieces in the member's data: the map of 1.0.
  var mapLength = 0

  private static let entryLimit = 1 << 16

  /// The old notation: four pairs in the header, 21 in each block behind it.
  ///
  /// - Parameter next: gives the next block, and nil at the end.
  init?(_ header: TarHeader, next: () -> [UInt8]?) {
    guard let size = TarHeader.number(header.block[483..<495]), size >= 0 else { return nil }
    self.size = size
    guard take(4, of: header.block, from: 386) else { return nil }
    var isExtended = header.block[482] != 0
    while isExtended {
      guard pieces.count < Self.entryLimit, let block = next(), block.count == TarHeader.blockSize,
        take(21, of: block, from: 0)
      else { return nil }
      isExtended = block[504] != 0
    }
  }

  private mutating func take(_ count: Int, of block: [UInt8], from start: Int) -> Bool {
    for index in 0..<count {
      let at = start + index * 24
      guard let offset = TarHeader.number(block[at..<(at + 12)]),
        let length = TarHeader.number(block[(at + 12)..<(at + 24)]), offset >= 0, length >= 0
      else { return false }
      if length > 0 { pieces.append(Piece(offset: offset, count: length)) }
    }
    return true
  }

  /// The notations in pax records; nil when the records have none of them, or a broken one.
  init?(_ records: PaxRecords, data: ByteSource) {
    if records["GNU.sparse.major"] == "1" {
      guard let size = Self.number(records["GNU.sparse.realsize"]), readMap(of: data) else { return nil }
      self.size = size
    } else if let map = records["GNU.sparse.map"] {
      guard let size = Self.number(records["GNU.sparse.size"]) else { return nil }
      self.size = size
      guard take(map.split(separator: ",").map { Self.number(String($0)) }) else { return nil }
    } else {
      guard let size = Self.number(records["GNU.sparse.size"] ?? records["GNU.sparse.realsize"]) else { return nil }
      self.size = size
      let numbers = records.all.filter { $0.key == "GNU.sparse.offset" || $0.key == "GNU.sparse.numbytes" }
      guard take(numbers.map { Self.number($0.value) }) else { return nil }
    }
  }

  private static func number(_ text: String?) -> Int? { text.flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil } }

  private mutating func take(_ numbers: [Int?]) -> Bool {
    guard numbers.count.isMultiple(of: 2), numbers.count / 2 <= Self.entryLimit else { return false }
    for index in stride(from: 0, to: numbers.count, by: 2) {
      guard let offset = numbers[index], let count = numbers[index + 1] else { return false }
      if count > 0 { pieces.append(Piece(offset: offset, count: count)) }
    }
    return true
  }

  /// The map of 1.0: decimal numbers in lines, first how many pairs there are, up to a full block.
  private mutating func readMap(of data: ByteSource) -> Bool {
    var numbers: [Int?] = []
    var wanted = 1
    var at = 0
    let bytes = data.prefix(1 << 20)
    while numbers.count < wanted {
      guard let end = bytes[at...].firstIndex(of: 0x0a), end - at < 24 else { return false }
      numbers.append(Self.number(String(decoding: bytes[at..<end], as: UTF8.self)))
      at = end + 1
      if numbers.count == 1 {
        guard let pairs = numbers.first ?? nil, pairs <= Self.entryLimit else { return false }
        wanted = 1 + 2 * pairs
      }
    }
    mapLength = (at + TarHeader.blockSize - 1) / TarHeader.blockSize * TarHeader.blockSize
    return take(Array(numbers.dropFirst()))
  }

  /// The member with its holes, from the pieces one behind the other in `data`.
  ///
  /// - Returns: nil when the pieces do not fit each other or the data; a failure when a limit stopped it.
  func expand(_ data: ByteSource, limits: Limits) -> (source: ByteSource, failure: ParseFailure?)? {
    let stored = data.slice(ByteRange(min(mapLength, data.count), data.count))
    var end = 0
    var total = 0
    for piece in pieces {
      let (sum, over) = piece.offset.addingReportingOverflow(piece.count)
      guard piece.offset >= end, !over, sum <= size, piece.count <= stored.count - total else { return nil }
      end = sum
      total += piece.count
    }
    guard stored.count - total < TarHeader.blockSize, total > 0 || stored.count == 0 else { return nil }
    var spool = Spool(memory: limits.spoolBytes, fallback: limits.heldBytes)
    if size > min(limits.memberBytes, limits.expandedBytes) {
      return (spool.finish(), ParseFailure(.limitExceeded, "memberBytes", at: 0))
    }
    if size > 1 << 20, size / max(1, total) >= limits.expansionRatio {
      return (spool.finish(), ParseFailure(.limitExceeded, "expansionRatio", at: 0))
    }
    let failure = fill(&spool, from: stored)
    return (spool.finish(), failure)
  }

  private func fill(_ spool: inout Spool, from stored: ByteSource) -> ParseFailure? {
    var at = 0
    var bytes: [UInt8] = []
    for piece in pieces {
      if let failure = spool.appendZeros(piece.offset - spool.count) { return failure }
      let end = at + piece.count
      while at < end {
        guard stored.read(at: at, count: min(1 << 16, end - at), into: &bytes) > 0 else {
          return ParseFailure(.unreadable, "sparse", at: at)
        }
        at += bytes.count
        if let failure = spool.append(bytes[...]) { return failure }
      }
    }
    return spool.appendZeros(size - spool.count)
  }
}
