import MScanBytes
public import MScanFacts

/// tar, as Python's `tarfile` walks it: PyTorch's first container, `.nemo`, and plain archives. Members are read where
/// they lie, so an archive of any size costs its headers.
public enum TarFormat: Format {
  public static let id = "tar"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    var reader = TarReader(input: input)
    do throws(ParseFailure) {
      try reader.read(into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
  }
}

struct TarReader {
  let input: ArtifactInput
  private var source: ByteSource { input.source }
  private var names: Set<String> = []
  /// What pax and GNU records say of the member behind them.
  private var longName: String?
  private var longLink: String?
  private var statedSize: Int?
  private static let recordLimit = 1 << 20

  init(input: ArtifactInput) { self.input = input }

  mutating func read(into sink: inout FactBuffer) throws(ParseFailure) {
    var at = 0
    var count = 0
    while at < source.count {
      let block = source.prefix(TarHeader.blockSize, at: at)
      if block.allSatisfy({ $0 == 0 }) { return stateEnd(at, into: &sink) }
      guard block.count == TarHeader.blockSize else { throw ParseFailure(.truncated, "header", at: at) }
      guard let header = TarHeader(block) else { throw ParseFailure(.malformed, "checksum", at: at) }
      count += 1
      guard count <= input.limits.members else { throw ParseFailure(.limitExceeded, "members", at: at) }
      let dataStart = at + TarHeader.blockSize
      let size = header.isLink || header.type == 0x35 ? 0 : statedSize ?? header.size
      guard size <= source.count - dataStart else {
        member(header, ByteRange(dataStart, source.count), at: at, into: &sink)
        throw ParseFailure(.truncated, "size", at: at)
      }
      try take(header, ByteRange(at: dataStart, count: size), at: at, into: &sink)
      at = min(source.count, (dataStart + size + TarHeader.blockSize - 1) / TarHeader.blockSize * TarHeader.blockSize)
    }
  }

  /// A record about the next member, or a member.
  private mutating func take(
    _ header: TarHeader, _ data: ByteRange, at offset: Int, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    switch header.type {
    case 0x78, 0x67, 0x4c, 0x4b:
      let bytes = try source.bytes(data, limit: Self.recordLimit, field: "extended header")
      switch header.type {
      case 0x4c: longName = TarHeader.text(bytes)
      case 0x4b: longLink = TarHeader.text(bytes)
      default:
        let records = TarHeader.paxRecords(bytes)
        longName = records["path"] ?? longName
        longLink = records["linkpath"] ?? longLink
        statedSize = records["size"].flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 } ?? statedSize
      }
    default: member(header, data, at: offset, into: &sink)
    }
  }

  private mutating func member(_ header: TarHeader, _ data: ByteRange, at offset: Int, into sink: inout FactBuffer) {
    let name = longName ?? header.name
    let link = longLink ?? header.linkName
    longName = nil
    longLink = nil
    statedSize = nil
    var flags: [MemberFact.Flag] = []
    let steps = name.split(separator: "/", omittingEmptySubsequences: false)
    if steps.contains("..") { flags.append(.traversal) }
    if name.hasPrefix("/") { flags.append(.absolute) }
    if header.isLink { flags.append(.link) }
    if header.isLink, link.hasPrefix("/") || link.split(separator: "/").contains("..") { flags.append(.traversal) }
    if !names.insert(name).inserted { flags.append(.duplicate) }
    sink.emit(
      .member(
        MemberFact(name: name, method: "stored", compressedSize: data.count, size: data.count, flags: flags)),
      artifact: input.index, range: ByteRange(offset, data.end), place: .member(name))
    if header.type == 0x53 {
      sink.emit(
        .anomaly(AnomalyFact(subject: "tar.sparse", field: "typeflag", detail: name, incomplete: true)),
        artifact: input.index, range: data, place: .member(name))
    }
    guard header.isFile, !data.isEmpty else { return }
    sink.addChild(
      Artifact(name: name, parent: input.index, rangeInParent: data, encoding: .stored, size: data.count),
      source: source.slice(data))
  }

  /// Behind the first block of zeros `tarfile` reads nothing. What stands there is only padding if it is zeros, too.
  private func stateEnd(_ start: Int, into sink: inout FactBuffer) {
    var at = start
    var piece: [UInt8] = []
    while source.read(at: at, count: 1 << 18, into: &piece) > 0 {
      if let first = piece.firstIndex(where: { $0 != 0 }) {
        let range = ByteRange(at + first, source.count)
        sink.emit(
          .anomaly(AnomalyFact(subject: "tar.trailing-bytes", detail: "\(range.count) bytes behind the archive")),
          artifact: input.index, range: range, place: .whole)
        sink.addChild(
          Artifact(
            name: "bytes at \(range.start)", parent: input.index, rangeInParent: range, encoding: .stored,
            size: range.count), source: source.slice(range))
        return
      }
      at += piece.count
    }
  }
}
