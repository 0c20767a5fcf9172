import MScanBytes
public import MScanFacts

/// Zip archives, as every loader could read them (APPNOTE 6.3.10; see ``ZipDirectory``). Members are stated as facts and
/// queued as children; the storages of a torch checkpoint are only looked at, never read.
public enum ZipFormat: Format {
  public static let id = "zip"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    var reader = ZipReader(input: input)
    reader.read(into: &sink)
  }
}

struct ZipReader {
  let input: ArtifactInput
  private var source: ByteSource { input.source }
  /// Folders that hold a `data.pkl`, lower case, with the slash: torch checkpoints.
  private var roots: Set<String> = []
  private var layout = ZipLayout(names: [])
  private var expandedBytes = 0
  /// Bytes that may still be decoded only to compare a checksum.
  private var checksumBudget: Int

  init(input: ArtifactInput) {
    self.input = input
    checksumBudget = input.limits.heldBytes
  }

  mutating func read(into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var directory = ZipDirectory(source, limits: input.limits)
    // What lies between members that were not all listed is no gap.
    let unsearched = directory.isOverLimit ? 0 : directory.addUnlisted()
    stateArchive(directory, unsearched: unsearched, into: &sink)
    var names: [String] = []
    for entry in directory.entries {
      for name in Self.names(entry) {
        names.append(name)
        if let root = Self.root(ofPickle: name) { roots.insert(root) }
      }
    }
    stateLayout(names, into: &sink)
    let flags = Self.flags(of: directory.entries)
    let order = directory.entries.indices.sorted {
      (directory.entries[$0].extent.start, $0) < (directory.entries[$1].extent.start, $1)
    }
    for index in order { read(directory.entries[index], flags: flags[index], into: &sink) }
    sink.sortFacts(after: mark)
  }

  /// The names that readers know the entry by, lower case: torch compares without case.
  private static func names(_ entry: ZipDirectory.Entry) -> [String] {
    let local = entry.local?.name.lowercased()
    guard let central = entry.central?.name.lowercased() else { return [local ?? ""] }
    return local == nil || local == central ? [central] : [central, local ?? ""]
  }

  /// `model/` of `model/data.pkl`; nil for any other name.
  private static func root(ofPickle name: String) -> String? {
    guard name == "data.pkl" || name.hasSuffix("/data.pkl") || name.hasSuffix("\\data.pkl") else { return nil }
    return String(name.dropLast(8))
  }

  private func header(_ entry: ZipDirectory.Entry) -> ZipHeader {
    entry.central ?? entry.local
      ?? ZipHeader(
        name: "", rawName: [], flags: 0, method: 0, crc: 0, compressedSize: 0, size: 0, localOffset: 0, attributes: 0,
        length: 0)
  }

  // MARK: The archive as a whole

  private func anomaly(
    _ subject: String, _ range: ByteRange, field: String = "", detail: String, incomplete: Bool = false,
    place: Place = .whole, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
      artifact: input.index, range: ByteRange(min(range.start, source.count), min(range.end, source.count)),
      place: place)
  }

  private mutating func stateLayout(_ names: [String], into sink: inout FactBuffer) {
    layout = ZipLayout(names: names)
    sink.artifacts.setLayout(layout.kinds.map(\.rawValue), of: input.index)
    for kind in layout.kinds where kind != .checkpoint {
      sink.emit(
        .artifact(ArtifactFact(format: kind.rawValue, size: source.count)), artifact: input.index,
        range: ByteRange(0, source.count), place: .whole)
    }
  }

  private func stateArchive(_ directory: ZipDirectory, unsearched: Int, into sink: inout FactBuffer) {
    for failure in directory.failures {
      sink.emit(failure, format: ZipFormat.id, artifact: input.index, size: source.count)
    }
    if directory.isOverLimit {
      anomaly(
        "limit.members", ByteRange(0, 0), detail: "more than \(input.limits.members) members", incomplete: true,
        into: &sink)
    }
    if directory.ends.isEmpty {
      anomaly(
        "zip.truncated", ByteRange(max(0, source.count - 1), source.count),
        field: "end of central directory", detail: "no end of central directory record", incomplete: true, into: &sink)
    }
    if directory.entries.isEmpty {
      anomaly("zip.empty", ByteRange(0, 0), detail: "an archive without members", incomplete: true, into: &sink)
    }
    if directory.ends.count > 1 || directory.hasSecondDirectory {
      let at = directory.ends.last?.offset ?? 0
      anomaly(
        "zip.second-end-record", ByteRange(at: at, count: ZipRecord.endLength), field: "end of central directory",
        detail: "\(directory.ends.count) end records; readers pick different directories", into: &sink)
    }
    if unsearched > 0 {
      anomaly(
        "limit.heldBytes", ByteRange(0, 0), detail: "\(unsearched) bytes between the members were not searched",
        incomplete: true, into: &sink)
    }
    for gap in directory.isOverLimit ? [] : directory.gaps() {
      let head = source.prefix(64, at: gap.start)
      if gap.count <= 64, head.allSatisfy({ $0 == 0 }) { continue }
      let subject =
        gap.start == 0
        ? "zip.prepended-bytes" : gap.end == source.count ? "zip.trailing-bytes" : "zip.unaccounted-bytes"
      anomaly(subject, gap, detail: "\(gap.count) bytes that no record owns", into: &sink)
      if MagicBytes.isUnmistakable(head), gap.start > 0 {
        sink.addChild(
          Artifact(
            name: "bytes at \(gap.start)", parent: input.index, rangeInParent: gap, encoding: .stored, size: gap.count),
          source: source.slice(gap))
      }
    }
  }

  // MARK: Flags

  /// Flags that need the other entries: the same name twice, names alike but for case, data that overlaps.
  private static func flags(of entries: [ZipDirectory.Entry]) -> [[MemberFact.Flag]] {
    var flags = [[MemberFact.Flag]](repeating: [], count: entries.count)
    var names = MemberNames()
    for (index, entry) in entries.enumerated() {
      let name = entry.central?.name ?? entry.local?.name ?? ""
      let (first, others) = names.add(entry.central?.rawName ?? entry.local?.rawName ?? [], index: index)
      flags[index] += others
      if let first, !flags[first].contains(.duplicate) { flags[first].append(.duplicate) }
      flags[index] += own(entry, name)
    }
    var end = 0
    for index in entries.indices.sorted(by: { entries[$0].data < entries[$1].data }) where !entries[index].data.isEmpty
    {
      if entries[index].data.start < end { flags[index].append(.overlap) }
      end = max(end, entries[index].data.end)
    }
    return flags
  }

  /// Flags that an entry shows by itself.
  private static func own(_ entry: ZipDirectory.Entry, _ name: String) -> [MemberFact.Flag] {
    var flags = MemberNames.flags(of: name)
    if entry.central == nil { flags.append(.unlisted) }
    let mode = (entry.central?.attributes ?? 0) >> 16
    if mode & 0o170000 == 0o120000 { flags.append(.link) }
    if [0o010000, 0o020000, 0o060000].contains(mode & 0o170000) { flags.append(.device) }
    let headers = [entry.central, entry.local].compactMap(\.self)
    if headers.contains(where: \.isEncrypted) { flags.append(.encrypted) }
    if headers.contains(where: \.hasDescriptor) { flags.append(.dataDescriptor) }
    // Bits 4, 5, 6, 12, 13 and up announce features that no loader of models has.
    if headers.contains(where: { $0.flags & 0xf070 != 0 }) { flags.append(.reservedFlags) }
    if let central = entry.central {
      guard let local = entry.local else { return flags + [.nameMismatch] }
      if central.rawName != local.rawName || otherName(of: central) != nil { flags.append(.nameMismatch) }
      if central.method != local.method { flags.append(.methodMismatch) }
      if !local.hasDescriptor, central.compressedSize != local.compressedSize || central.size != local.size {
        flags.append(.sizeMismatch)
      }
    }
    return flags
  }

  /// The name of the Unicode path field, when it is another one and not the same in letters that the first has no code for.
  private static func otherName(of header: ZipHeader) -> String? {
    guard let other = header.unicodeName, other != header.rawName else { return nil }
    let isSpelled = header.rawName.allSatisfy { $0 < 0x80 && $0 != 0x3f && $0 != 0x23 }
    let name = String(decoding: other, as: UTF8.self)
    let flags = MemberNames.flags(of: name).filter { !MemberNames.flags(of: header.name).contains($0) }
    return isSpelled || !flags.isEmpty ? name : nil
  }

  // MARK: Members

  private mutating func read(_ entry: ZipDirectory.Entry, flags: [MemberFact.Flag], into sink: inout FactBuffer) {
    let header = header(entry)
    var flags = flags
    var methods: [UInt16] = [header.method]
    if let local = entry.local, local.method != header.method { methods.append(local.method) }
    let isStorage = isStorage(entry)
    if !flags.contains(.encrypted), methods.count == 1, !isStorage, hasBadChecksum(header, entry) {
      flags.append(.badChecksum)
    }
    sink.emit(
      .member(
        MemberFact(
          name: header.name, method: ZipMethod.name(header.method), compressedSize: header.compressedSize,
          size: header.size, flags: flags)),
      artifact: input.index, range: entry.extent, place: .member(header.name))
    if let central = entry.central, let other = Self.otherName(of: central) {
      sink.emit(
        .member(
          MemberFact(
            name: other, method: ZipMethod.name(header.method), compressedSize: header.compressedSize,
            size: header.size, flags: MemberNames.flags(of: other) + [.nameMismatch])),
        artifact: input.index, range: entry.extent, place: .member(header.name))
    }
    if entry.data.count < header.compressedSize {
      anomaly(
        "zip.truncated", entry.data, field: "compressed size", detail: "\(header.name) ends before its data does",
        incomplete: true, place: .member(header.name), into: &sink)
    }
    if flags.contains(.encrypted) {
      anomaly(
        "zip.encrypted", entry.data, field: "general purpose bit flag", detail: header.name, incomplete: true,
        place: .member(header.name), into: &sink)
    }
    guard !header.isDirectory || !entry.widest.isEmpty else { return }
    let names = Self.names(entry)
    let hints = names.compactMap { layout.format(of: $0) }
    var ranges = [entry.data]
    if entry.widest != entry.data { ranges.append(entry.widest) }
    for (number, range) in ranges.enumerated() where !range.isEmpty {
      // Members that share bytes could make a small archive a long read.
      if number > 0 || flags.contains(.overlap) {
        guard spend(range.count, header, entry, into: &sink) else { return }
      }
      for method in methods {
        queue(header, range, method, isStorage: isStorage, hint: hints.first, entry, into: &sink)
      }
    }
  }

  /// Whether what a small member decodes to is not what its checksum was made of.
  private mutating func hasBadChecksum(_ header: ZipHeader, _ entry: ZipDirectory.Entry) -> Bool {
    guard header.crc != 0 || !header.hasDescriptor, entry.data.count <= Self.checksumLimit else { return false }
    let data = source.slice(entry.data)
    switch header.method {
    case 0:
      return Inflate.crc32(data) != header.crc
    default:
      guard header.size <= Self.checksumLimit, header.size <= checksumBudget,
        let packed = ZipMethod.packed(data, header.method, size: header.size)
      else { return false }
      let output = Decompression.bytes(
        of: packed.source, packed.codec, limit: header.size, ratio: input.limits.expansionRatio)
      checksumBudget -= output.bytes.count
      return output.failure == nil && Inflate.crc32(output.bytes) != header.crc
    }
  }

  private static let checksumLimit = 4 << 20

  /// The first bytes of a member's data: from its header's read where they came along, so that the thousands of
  /// storages of a checkpoint cost one read each.
  private func head(of range: ByteRange, _ entry: ZipDirectory.Entry) -> [UInt8] {
    if let local = entry.local, !local.dataHead.isEmpty, range.count >= 64,
      range.start == local.localOffset &+ local.length
    {
      return local.dataHead
    }
    return source.slice(range).prefix(64)
  }

  private mutating func queue(
    _ header: ZipHeader, _ range: ByteRange, _ method: UInt16, isStorage: Bool, hint: String?,
    _ entry: ZipDirectory.Entry, into sink: inout FactBuffer
  ) {
    let data = source.slice(range)
    var artifact = Artifact(
      name: header.name, parent: input.index, rangeInParent: range, encoding: .stored, size: data.count)
    if method == 0 {
      if isStorage, !MagicBytes.isUnmistakable(head(of: range, entry)) { return }
      sink.addChild(artifact, source: data, format: hint)
    } else if let packed = ZipMethod.packed(data, method, size: header.size) {
      if isStorage {
        let head = Decompression.head(of: packed.source.slice(ByteRange(0, 1 << 12)), packed.codec, count: 64)
        // Codecs that work in large blocks show nothing of so little.
        guard MagicBytes.isUnmistakable(head) || head.isEmpty && range.count > 1 << 12 else { return }
      }
      guard spend(min(header.size, input.limits.memberBytes), header, entry, into: &sink) else { return }
      artifact.encoding = Artifact.encoding(of: packed.codec)
      artifact.size = header.size
      sink.addChild(artifact, source: packed.source, format: hint, compression: packed.codec)
    } else {
      anomaly(
        "zip.unsupported-method", entry.data, field: "compression method",
        detail: "\(header.name): \(ZipMethod.name(method))", incomplete: true, place: .member(header.name),
        into: &sink)
      // The method may be a lie over plain bytes.
      sink.addChild(artifact, source: data, format: hint)
    }
  }

  /// Holds decoded bytes, and bytes read twice, against the archive's budget.
  private mutating func spend(
    _ count: Int, _ header: ZipHeader, _ entry: ZipDirectory.Entry, into sink: inout FactBuffer
  ) -> Bool {
    let (total, over) = expandedBytes.addingReportingOverflow(count)
    guard !over, total <= input.limits.expandedBytes else {
      anomaly(
        "limit.expandedBytes", entry.data, field: "expandedBytes",
        detail: "members were not read: more than \(input.limits.expandedBytes) unpacked bytes", incomplete: true,
        place: .member(header.name), into: &sink)
      return false
    }
    expandedBytes = total
    return true
  }

  /// Whether torch reads the member as raw elements whichever of its names it goes by: `<root>/data/0`, beside
  /// `<root>/data.pkl`. A name with an ending is none that torch writes there.
  private func isStorage(_ entry: ZipDirectory.Entry) -> Bool {
    if Self.names(entry).allSatisfy({ layout.isStorage($0) }) { return true }
    return !roots.isEmpty
      && Self.names(entry).allSatisfy { name in
        guard let slash = name.lastIndex(of: "/"), !name[slash...].contains(".") else { return false }
        let folder = name[...slash]
        return ["data/", "constants/", "tensors/"].contains { tail in
          folder.hasSuffix(tail) && roots.contains(String(folder.dropLast(tail.count)))
        }
      }
  }
}
