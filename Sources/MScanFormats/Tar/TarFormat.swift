import MScanBytes
public import MScanFacts

/// tar, as Python's `tarfile` walks it: PyTorch's first container, `.nemo`, and plain archives. Members are read where
/// they lie, so an archive of any size costs its headers.
public enum TarFormat: Format {
  public static let id = "tar"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = TarReader(input: input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    reader.stateEmptiness(into: &sink)
    sink.sortFacts(after: mark)
  }
}

struct TarReader: ArchiveReader {
  let input: ArtifactInput
  private var names = MemberNames()
  private var members = 0
  /// What pax and GNU records say of the member behind them.
  private var longName: String?
  private var longLink: String?
  private var statedSize: Int?
  private var records: PaxRecords?
  private static let recordLimit = 1 << 20

  init(input: ArtifactInput) { self.input = input }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    var at = 0
    var headers = 0
    while at < source.count {
      let block = source.prefix(TarHeader.blockSize, at: at)
      if block.allSatisfy({ $0 == 0 }) {
        guard let next = stateEnd(at, into: &sink) else { return }
        at = next
        continue
      }
      guard block.count == TarHeader.blockSize else { throw ParseFailure(.truncated, "header", at: at) }
      guard let header = TarHeader(block) else {
        // Here tarfile ends without a word; what stands here another reader may find.
        if at > 0 { queueRest(from: at, into: &sink) }
        throw ParseFailure(.malformed, "checksum", at: at)
      }
      headers += 1
      guard headers <= input.limits.members else { throw ParseFailure(.limitExceeded, "members", at: at) }
      at = try take(header, at: at, into: &sink)
    }
  }

  /// No members is nothing to call clean.
  func stateEmptiness(into sink: inout FactBuffer) {
    guard members == 0 else { return }
    anomaly("tar.empty", ByteRange(0, 0), field: "header", "an archive without members", incomplete: true, into: &sink)
  }

  /// Takes a record about the next member, or a member. Returns where the next header is.
  private mutating func take(
    _ header: TarHeader, at offset: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) -> Int {
    var dataStart = offset + TarHeader.blockSize
    let sparse = header.isSparse ? oldSparse(header, &dataStart) : nil
    let size = header.hasData ? statedSize ?? header.size : 0
    let data = ByteRange(dataStart, min(source.count, ByteRange(at: dataStart, count: size).end))
    let isCut = size > max(0, source.count - dataStart)
    switch header.type {
    case 0x78, 0x58, 0x67, 0x4c, 0x4b:
      if isCut { throw ParseFailure(.truncated, "size", at: offset) }
      let bytes = try source.bytes(data, limit: Self.recordLimit, field: "extended header")
      take(bytes, of: header, at: offset, into: &sink)
    default:
      if let statedSize, header.hasData, header.size != statedSize, statedSize < 1 << 33 {
        anomaly(
          "tar.size-override", ByteRange(offset, dataStart), field: "size",
          "\(statedSize) bytes by its pax record, \(header.size) by its header", into: &sink)
      }
      member(header, data, sparse, at: offset, into: &sink)
      if isCut { throw ParseFailure(.truncated, "size", at: offset) }
    }
    let blocks = (data.count + TarHeader.blockSize - 1) / TarHeader.blockSize
    return min(source.count, dataStart + blocks * TarHeader.blockSize)
  }

  /// The blocks of an old sparse map stand before the data.
  private func oldSparse(_ header: TarHeader, _ dataStart: inout Int) -> TarSparse? {
    var at = dataStart
    let sparse = TarSparse(header) {
      let block = source.prefix(TarHeader.blockSize, at: at)
      at += block.count
      return block
    }
    dataStart = min(at, source.count)
    return sparse
  }

  // MARK: Records

  private static let overriding = ["path", "linkpath", "size"]

  private mutating func take(_ bytes: [UInt8], of header: TarHeader, at offset: Int, into sink: inout FactBuffer) {
    let range = ByteRange(at: offset, count: TarHeader.blockSize + bytes.count)
    switch header.type {
    case 0x4c: longName = TarHeader.text(bytes)
    case 0x4b: longLink = TarHeader.text(bytes)
    case 0x67:
      let global = PaxRecords(bytes)
      let keys = global.all.map(\.key).filter { Self.overriding.contains($0) || $0.hasPrefix("GNU.sparse.") }
      guard !keys.isEmpty else { return }
      anomaly(
        "tar.global-override", range, field: "global extended header",
        "\(keys.joined(separator: ", ")) for every member", into: &sink)
    default:
      let own = PaxRecords(bytes)
      if !own.isWhole {
        anomaly(
          "tar.malformed", range, field: "extended header", "an extended header at byte \(offset)", incomplete: true,
          into: &sink)
      }
      longName = own["GNU.sparse.name"] ?? own["path"] ?? longName
      longLink = own["linkpath"] ?? longLink
      statedSize = own["size"].flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 } ?? statedSize
      records = own.all.contains { $0.key.hasPrefix("GNU.sparse.") } ? own : records
    }
  }

  // MARK: Members

  private mutating func member(
    _ header: TarHeader, _ data: ByteRange, _ oldMap: TarSparse?, at offset: Int, into sink: inout FactBuffer
  ) {
    let name = longName ?? header.name
    let link = longLink ?? header.linkName
    let pax = records
    (longName, longLink, statedSize, records) = (nil, nil, nil, nil)
    members += 1
    let isSparse = header.isSparse || pax != nil
    let map = header.isSparse ? oldMap : pax.flatMap { TarSparse($0, data: source.slice(data)) }
    sink.emit(
      .member(
        MemberFact(
          name: name, method: isSparse ? "sparse" : "stored", compressedSize: data.count,
          size: isSparse ? map?.size ?? data.count : data.count, flags: flags(of: header, name, link))),
      artifact: input.index, range: ByteRange(offset, max(offset, data.end)), place: .member(name))
    if isSparse { return sparse(name, data, map, into: &sink) }
    guard header.hasData, !data.isEmpty else { return }
    sink.addChild(
      Artifact(name: name, parent: input.index, rangeInParent: data, encoding: .stored, size: data.count),
      source: source.slice(data))
  }

  private mutating func flags(of header: TarHeader, _ name: String, _ link: String) -> [MemberFact.Flag] {
    var flags = MemberNames.flags(of: name)
    if header.isDevice { flags.append(.device) }
    if header.isLink {
      flags.append(.link)
      let climbs = link.hasPrefix("/") || link.split(separator: "/").contains("..")
      if climbs, !flags.contains(.traversal) { flags.append(.traversal) }
      if MemberNames.leadsOut(link, from: name, isHard: header.isHardLink) {
        flags.append(.linkEscapes)
      } else if !climbs, MemberNames.flags(of: name).isEmpty, MemberNames.flags(of: link).isEmpty {
        flags.append(.linkInside)
      }
    }
    // Folders may be stated again and again.
    return header.isFolder ? flags : flags + names.add(name.utf8, index: members).flags
  }

  /// States a member with holes and queues it as it is unpacked; as it is stored, where its map is broken.
  private func sparse(_ name: String, _ data: ByteRange, _ map: TarSparse?, into sink: inout FactBuffer) {
    let stored = source.slice(data)
    let expanded = map.flatMap { $0.expand(stored, limits: input.limits) }
    let isRead = expanded.map { $0.failure == nil } ?? false
    anomaly(
      "tar.sparse", data, field: "sparse map", "\(name): \(data.count) bytes stored of \(map?.size ?? 0)",
      incomplete: !isRead, place: .member(name), into: &sink)
    if let failure = expanded?.failure {
      sink.emit(failure, format: TarFormat.id, artifact: input.index, size: source.count)
    }
    let source = isRead ? expanded?.source ?? stored : stored
    guard source.count > 0 else { return }
    sink.addChild(
      Artifact(
        name: name, parent: input.index, rangeInParent: data, encoding: isRead ? .sparse : .stored,
        size: source.count), source: source)
  }

  // MARK: The end

  /// Behind the first block of zeros `tarfile` reads nothing, unless it is told to. Returns where an archive goes on
  /// behind it; what else stands there is only padding if it is zeros, too.
  private func stateEnd(_ start: Int, into sink: inout FactBuffer) -> Int? {
    var at = start
    var piece: [UInt8] = []
    while source.read(at: at, count: 1 << 18, into: &piece) > 0 {
      guard let first = piece.firstIndex(where: { $0 != 0 }) else {
        at += piece.count
        continue
      }
      let block = at + first - (at + first - start) % TarHeader.blockSize
      if TarHeader(source.prefix(TarHeader.blockSize, at: block)) != nil {
        anomaly(
          "tar.second-archive", ByteRange(block, source.count), field: "end of archive",
          "members at byte \(block), behind the end of the archive", into: &sink)
        return block
      }
      let range = ByteRange(at + first, source.count)
      anomaly("tar.trailing-bytes", range, "\(range.count) bytes behind the archive", into: &sink)
      queueRest(from: range.start, into: &sink)
      return nil
    }
    return nil
  }

  private func queueRest(from start: Int, into sink: inout FactBuffer) {
    let range = ByteRange(start, source.count)
    sink.addChild(
      Artifact(
        name: "bytes at \(start)", parent: input.index, rangeInParent: range, encoding: .stored, size: range.count),
      source: source.slice(range))
  }
}
