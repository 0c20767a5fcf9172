public import MScanBytes
public import MScanFacts
import MScanFormats
import MScanPython

/// What was read of one file on disk and of everything nested in it.
public struct FileScan: Sendable {
  public var buffer: FactBuffer
  /// The file's bytes, to find lines in; nil when it was not opened.
  public var source: ByteSource?
  /// Bytes of the file.
  public var size = 0
  /// Bytes asked of the kernel.
  public var bytesRead = 0
}

/// Reads files: each one and what is nested in it, depth first in the order it is stored, into one buffer.
public struct Walker: Sendable {
  public var limits: Limits
  public var interest: ValueInterest
  public var texts: TextInterest
  public var calls: CallInterest
  /// Files that are left out wherever they turn up: the tool's own output.
  public var skip: Set<FileIdentity>
  private let code: ModelCode

  public init(
    limits: Limits = .standard, interest: ValueInterest = .all, texts: TextInterest = .none,
    calls: CallInterest = .all, skip: Set<FileIdentity> = []
  ) {
    self.limits = limits
    self.interest = interest
    self.texts = texts
    self.calls = calls
    self.skip = skip
    code = ModelCode(limits: limits)
  }

  /// Files up to this size are read at once. Bytes; 256 KiB: nearly all source and settings,
  /// which several readers look at.
  private static let wholeFile = 256 << 10

  /// All facts of the target; nil when it is one of the files to skip.
  public func read(_ target: Target) -> FileScan? {
    var scan = FileScan(buffer: FactBuffer(limits: limits))
    if let problem = target.problem {
      state(problem, about: target, in: &scan)
      return scan
    }
    let file: OpenFile
    do throws(OpenFile.Refusal) {
      file = try OpenFile(target.path, followLinks: false)
    } catch {
      state(PathProblem.of(error), about: target, in: &scan)
      return scan
    }
    if skip.contains(FileIdentity(device: file.device, inode: file.inode)) { return nil }
    let source = ByteSource(file, whole: Self.wholeFile)
    scan.source = source
    scan.size = file.size
    let row = scan.buffer.artifacts.append(Artifact(name: target.reported, size: file.size))
    var walker = self
    walker.calls = calls.unless { [code] in code.isReached(target.reported, in: target.folder) }
    walker.walk(
      from: ChildArtifact(index: row, source: source), emptyIsNormal: target.emptyIsNormal, into: &scan.buffer)
    let folder = ModelFolder(path: target.folder, fileName: Self.lastComponent(target.reported))
    for correlator in CorrelatorList.all where correlator.isConcerned(scan.buffer, folder) {
      correlator.correlate(&scan.buffer, in: folder)
    }
    if scan.buffer.fileFormat == PythonFormat.id { CodeReach.apply(to: &scan.buffer, target, code) }
    scan.bytesRead = file.bytesRead
    return scan
  }

  /// What the file itself says, and not what follows from what lies beside it.
  func readPlain(_ target: Target) -> FileScan? {
    guard let file = try? OpenFile(target.path, followLinks: false) else { return nil }
    var scan = FileScan(buffer: FactBuffer(limits: limits))
    let source = ByteSource(file, whole: Self.wholeFile)
    let row = scan.buffer.artifacts.append(Artifact(name: target.reported, size: file.size))
    walk(from: ChildArtifact(index: row, source: source), emptyIsNormal: true, into: &scan.buffer)
    return scan
  }

  /// All facts of bytes that are no file.
  func read(_ bytes: [UInt8], name: String) -> FileScan {
    var scan = FileScan(buffer: FactBuffer(limits: limits))
    let source = ByteSource(bytes)
    scan.source = source
    scan.size = bytes.count
    let row = scan.buffer.artifacts.append(Artifact(name: name, size: bytes.count))
    walk(from: ChildArtifact(index: row, source: source), emptyIsNormal: false, into: &scan.buffer)
    return scan
  }

  private func state(_ problem: AnomalyFact, about target: Target, in scan: inout FileScan) {
    let row = scan.buffer.artifacts.append(Artifact(name: target.reported, size: 0))
    scan.buffer.emit(.anomaly(problem), artifact: row, range: ByteRange(0, 0), place: .whole)
  }

  // MARK: - Artifacts

  private func walk(from file: ChildArtifact, emptyIsNormal: Bool, into buffer: inout FactBuffer) {
    var stack = [file]
    var opened = 0
    var expanded = 0
    let budget = budget(for: file.source.count)
    while let next = stack.popLast() {
      if buffer.artifacts.depth(of: next.index) > limits.depth {
        stop("depth", limits.depth, "levels of nesting", "--max-depth", at: next, in: &buffer)
        continue
      }
      // Facts are bounded for each artifact; this bounds them for the file.
      if buffer.facts.count / 4 > limits.facts {
        stop("facts", limits.facts, "facts in each of many artifacts", "--max-facts", at: next, in: &buffer)
        return
      }
      if expanded > budget {
        stop(
          "expandedBytes", budget, "unpacked bytes", "--max-expanded-bytes and --max-expansion-ratio", at: next,
          in: &buffer)
        return
      }
      opened += 1
      var limits = limits
      limits.expandedBytes = budget - expanded
      let (source, failure, left) = next.open(limits: limits)
      if let failure { buffer.emit(failure, format: "member", artifact: next.index, size: source.count) }
      if left > 0 { state(left, behind: next, in: &buffer) }
      if Self.isUnpacked(next, in: buffer) { expanded += source.count }
      let plain = ChildArtifact(index: next.index, source: source, format: next.format)
      read(plain, limits, emptyIsNormal: emptyIsNormal && next.index == file.index, into: &buffer)
      var children = buffer.children
      buffer.children.removeAll()
      let room = max(0, limits.artifacts - opened - stack.count)
      if children.count > room {
        stop("artifacts", limits.artifacts, "nested artifacts", "--max-artifacts", at: children[room], in: &buffer)
        children.removeLast(children.count - room)
      }
      stack.append(contentsOf: children.reversed())
    }
  }

  /// Bytes that a file may be unpacked to, over all levels: the ratio holds for the whole as it does for each member,
  /// or else one packed in the other would multiply it.
  private func budget(for size: Int) -> Int {
    let (product, over) = max(size, Self.freeBytes / max(1, limits.expansionRatio))
      .multipliedReportingOverflow(by: limits.expansionRatio)
    return over ? limits.expandedBytes : min(limits.expandedBytes, max(product, Self.freeBytes))
  }

  /// What any file may be unpacked to, however small it is.
  private static let freeBytes = 64 << 20

  /// Whether the child's bytes are more than what its parent has.
  private static func isUnpacked(_ child: ChildArtifact, in buffer: FactBuffer) -> Bool {
    switch buffer.artifacts[child.index]?.encoding {
    case .deflate, .gzip, .bzip2, .xz, .lzma, .zstd, .lz4, .sevenZip, .sparse: true
    default: child.compression != nil
    }
  }

  /// Says that a member's packed data ends before the member does, and queues the rest.
  private func state(_ left: Int, behind child: ChildArtifact, in buffer: inout FactBuffer) {
    guard let row = buffer.artifacts[child.index], let parent = row.parent, let place = row.rangeInParent else {
      return
    }
    let range = ByteRange(max(place.start, place.end - left), place.end)
    buffer.emit(
      .anomaly(
        AnomalyFact(
          subject: "member.trailing-bytes", field: "compressed size",
          detail: "\(range.count) bytes behind the packed data of \(row.name)")),
      artifact: parent, range: range, place: .member(row.name))
    buffer.addChild(
      Artifact(
        name: "\(row.name), bytes at \(range.start)", parent: parent, rangeInParent: range, encoding: .stored,
        size: range.count),
      source: child.source.slice(ByteRange(child.source.count - range.count, child.source.count)))
  }

  private func stop(
    _ name: String, _ bound: Int, _ words: String, _ option: String, at child: ChildArtifact,
    in buffer: inout FactBuffer
  ) {
    let fact = AnomalyFact(
      subject: "limit.\(name)", field: name, detail: "more than \(bound) \(words); raise \(option)", incomplete: true)
    // Said of the parent, where the same said of many members is one fact with a count.
    let row = buffer.artifacts[child.index]
    buffer.emit(
      .anomaly(fact), artifact: row?.parent ?? child.index,
      range: row?.rangeInParent ?? ByteRange(0, child.source.count), place: .whole)
  }

  private func read(
    _ child: ChildArtifact, _ limits: Limits, emptyIsNormal: Bool, into buffer: inout FactBuffer
  ) {
    let name = Self.lastComponent(buffer.artifacts[child.index]?.name ?? "")
    let whole = ByteRange(0, child.source.count)
    let found = Registry.identify(child.source, name: name, hint: child.format)
    buffer.artifacts.setFormat(found.format, of: child.index)
    buffer.emit(
      .artifact(
        ArtifactFact(format: found.format, claimed: found.claimed, size: child.source.count, also: found.also)),
      artifact: child.index, range: whole, place: .whole)
    if buffer.artifacts[child.index]?.parent == nil, FileNames.hidesCharacters(name) {
      let fact = AnomalyFact(subject: "name.hidden", field: "name", detail: name)
      buffer.emit(.anomaly(fact), artifact: child.index, range: whole, place: .whole)
    }
    if child.source.count == 0 {
      if !emptyIsNormal, Registry.needsContent(found) {
        let what = found.isModelName || found.claimed.isEmpty ? "a model" : "\(found.claimed) data"
        let detail = "the file is empty where \(what) should be; fetch it again"
        state("format.empty", detail, of: child, into: &buffer)
      }
      return
    }
    if Registry.carriesText(found) {
      let input = ArtifactInput(
        index: child.index, source: child.source, name: name, limits: limits, interest: interest, texts: texts)
      EncodedText.search(input, into: &buffer)
    }
    let readers = Registry.readers(for: found)
    guard !readers.isEmpty else {
      if ArrowMetadata.formats.contains(found.format) {
        ArrowMetadata.search(
          ArtifactInput(index: child.index, source: child.source, name: name, limits: limits), into: &buffer)
      }
      searchCommands(child, found, name, limits, into: &buffer)
      if let detail = Registry.whyUnread(found) { state("format.unread", detail, of: child, into: &buffer) }
      return
    }
    for (number, reader) in readers.enumerated() {
      var index = child.index
      if number > 0 {
        // The same bytes as another loader takes them: a row of its own keeps the two readings apart.
        index = buffer.artifacts.append(
          Artifact(
            name: "read as \(reader.id)", parent: child.index, rangeInParent: whole, encoding: .reading,
            format: reader.id, size: child.source.count))
      }
      let input = ArtifactInput(
        index: index, source: child.source, name: name, limits: limits, interest: interest, texts: texts, calls: calls)
      reader.read(input, into: &buffer)
    }
    searchCommands(child, found, name, limits, into: &buffer)
  }

  /// Commands in a text that no reader takes for one.
  private func searchCommands(
    _ child: ChildArtifact, _ found: Registry.Identity, _ name: String, _ limits: Limits, into buffer: inout FactBuffer
  ) {
    guard CommandLines.formats.contains(found.format) else { return }
    CommandLines.search(
      ArtifactInput(index: child.index, source: child.source, name: name, limits: limits), into: &buffer)
  }

  private func state(_ subject: String, _ detail: String, of child: ChildArtifact, into buffer: inout FactBuffer) {
    buffer.emit(
      .anomaly(AnomalyFact(subject: subject, field: "content", detail: detail, incomplete: true)),
      artifact: child.index, range: ByteRange(0, child.source.count), place: .whole)
  }

  static func lastComponent(_ name: String) -> String {
    guard let slash = name.utf8.lastIndex(of: UInt8(ascii: "/")) else { return name }
    return String(name[name.utf8.index(after: slash)...])
  }
}
