public import MScanBytes
import MScanFacts
public import MScanProvenance
import Synchronization

/// What a scan does about records: where it looks for them, whom it believes, and what it hashes.
public struct ProvenancePlan: Sendable {
  public var hashing = HashPolicy.onDemand
  public var trust = TrustOptions()
  /// PATHs of the command line: records that lie beside a single file, or above a snapshot of a hub cache, belong to it.
  public var paths: [SystemPath] = []
  /// Records that a person names, which may lie anywhere.
  public var records: [SystemPath] = []
  /// Whether the report lists every file, and what the model says of itself.
  public var takesInventory = false

  public init() {}
}

/// Collects what the records of a scan say while its files are read, and holds the files against it at the end.
final class ProvenanceStage: Sendable {
  private let plan: ProvenancePlan
  private let limits: Limits
  private let readings = Mutex<[RecordReading]>([])

  init(_ plan: ProvenancePlan, limits: Limits) {
    self.plan = plan
    self.limits = limits
  }

  /// Takes note of a file that was read, if it is a record.
  func look(at target: Target, _ source: ByteSource) {
    let input = RecordInput(file: Self.file(target), source: source, limits: limits, trust: plan.trust)
    let records = RecordList.records(for: input)
    guard !records.isEmpty else { return }
    let found = records.flatMap { $0.readings(of: input) }
    readings.withLock { $0 += found }
  }

  /// What records and files say together.
  func finish(
    _ targets: [Target], jobs: Int, progress: @escaping @Sendable (Int) -> Void
  ) -> ProvenanceOutcome {
    let readings = readings.withLock { $0 } + outside(targets) + checkouts(targets)
    let unsigned = unsigned(readings)
    guard !readings.isEmpty || plan.hashing == .all else { return ProvenanceOutcome(statements: unsigned) }
    var outcome = ProvenanceCheck(hashing: plan.hashing, jobs: jobs, limits: limits)
      .run(targets.map(Self.file), readings, progress: progress)
    outcome.statements += unsigned
    explain(&outcome, targets)
    return outcome
  }

  /// Files that differ and are looked into, to say what in them does. Count; 256.
  private static let explained = 256

  /// Says which tensors and values changed in files that a lockfile knows the inside of.
  private func explain(_ outcome: inout ProvenanceOutcome, _ targets: [Target]) {
    let changed = outcome.statements.indices.filter { outcome.statements[$0].contents != nil }.prefix(Self.explained)
    guard !changed.isEmpty else { return }
    let byName = Dictionary(targets.map { ($0.reported, $0) }) { first, _ in first }
    for index in changed {
      let statement = outcome.statements[index]
      guard let before = statement.contents, let target = byName[statement.fact.path] else { continue }
      let now = FileContents(of: target, limits: limits, wantsDigests: plan.hashing != .never)
      let words = before.differences(from: now.contents)
      if !words.isEmpty { outcome.statements[index].fact.detail += " (" + words + ")" }
    }
  }

  /// What to say of a model that nobody signed, when somebody has to have.
  private func unsigned(_ readings: [RecordReading]) -> [ProvenanceStatement] {
    guard !plan.trust.isEmpty, !readings.contains(where: { $0.signature != nil }) else { return [] }
    let path = plan.paths.first?.description ?? "."
    let fact = ProvenanceFact(
      kind: "signature", status: .untrusted, reason: "model-unsigned", record: "", path: path,
      detail: "there is no signature here that could be checked")
    return [ProvenanceStatement(fact: fact, file: path)]
  }

  /// The statements that rules are held against, file by file.
  static func buffers(_ outcome: ProvenanceOutcome, limits: Limits) -> [(file: String, buffer: FactBuffer)] {
    var order: [String] = []
    var buffers: [String: FactBuffer] = [:]
    // Records that say the same of a file are one reason not to use it; one that knows what changed says it best.
    func key(_ statement: ProvenanceStatement) -> [String] {
      [statement.file, statement.fact.algorithm, statement.fact.expected]
    }
    let differing = outcome.statements.filter { $0.fact.status == .differs }
    let explained = Set(differing.filter { $0.contents != nil }.map(key))
    var said: Set<[String]> = []
    for statement in outcome.statements where statement.fact.status != .verified {
      if statement.fact.status == .differs {
        let key = key(statement)
        if statement.contents == nil, explained.contains(key) { continue }
        guard said.insert(key).inserted else { continue }
      }
      if buffers[statement.file] == nil {
        order.append(statement.file)
        var buffer = FactBuffer(limits: limits)
        // A finding has a line only where the record itself is at fault, and those with lines are text.
        buffer.artifacts.append(
          Artifact(name: statement.file, format: statement.line == nil ? "" : "text", size: 0))
        buffers[statement.file] = buffer
      }
      let place = statement.line.map { Place.line($0, column: 1, path: nil) } ?? .whole
      buffers[statement.file]?.emit(
        .provenance(statement.fact), artifact: 0, range: ByteRange(0, 0), place: place)
    }
    return order.compactMap { file in buffers[file].map { (file, $0) } }
  }

  private static func file(_ target: Target) -> ProvenanceFile {
    ProvenanceFile(
      reported: target.reported, location: target.location, path: target.path, problem: target.problem?.subject)
  }

  // MARK: - Records that are no targets

  private func outside(_ targets: [Target]) -> [RecordReading] {
    var found: [RecordReading] = []
    let known = Set(targets.map(\.location))
    for path in plan.paths {
      guard let status = try? FileStatus(of: path, followLinks: true), let place = try? FileSystem.resolve(path) else {
        continue
      }
      if status.kind == .folder {
        if let tree = Self.tree(of: place), !known.contains(tree) { found += read(tree, base: nil, isGiven: false) }
      } else if let folder = try? FileSystem.resolve(path.parent) {
        found += beside(folder, known: known)
      }
    }
    for record in plan.records {
      guard let place = try? FileSystem.resolve(record) else { continue }
      let base = plan.paths.first.flatMap { path -> SystemPath? in
        let isFolder = (try? FileStatus(of: path, followLinks: true))?.kind == .folder
        return try? FileSystem.resolve(isFolder ? path : path.parent)
      }
      found += read(place, base: base, isGiven: true, named: record.description)
    }
    return found
  }

  /// The list of the commit that a snapshot of a hub cache is of.
  private static func tree(of snapshot: SystemPath) -> SystemPath? {
    guard snapshot.parent.lastComponent == SystemPath("snapshots") else { return nil }
    let tree = snapshot.parent.parent.appending(SystemPath("trees"))
      .appending(SystemPath(snapshot.lastComponent.description + ".json"))
    return (try? FileStatus(of: tree, followLinks: false)) == nil ? nil : tree
  }

  /// Entries of a folder that are looked at beside a single file. Count; 20,000: a model folder has tens.
  private static let entryLimit = 20_000

  private func beside(_ folder: SystemPath, known: Set<SystemPath>) -> [RecordReading] {
    guard let entries = try? Folder.entries(of: folder, followLinks: false), entries.count <= Self.entryLimit else {
      return []
    }
    let downloads = folder.appending(SystemPath(".cache/huggingface/download"))
    let metadata = (try? Folder.entries(of: downloads, followLinks: false)) ?? []
    let candidates =
      entries.filter { $0.kind == .file }.map { folder.appending($0.name) }
      + metadata.prefix(Self.entryLimit).filter { $0.kind == .file }.map { downloads.appending($0.name) }
    return candidates.filter { !known.contains($0) }.flatMap { read($0, base: nil, isGiven: false) }
      // What a file says of itself alone is its own affair.
      .filter { reading in !reading.claims.contains { $0.location == reading.location } }
  }

  private func read(
    _ place: SystemPath, base: SystemPath?, isGiven: Bool, named: String? = nil
  ) -> [RecordReading] {
    guard let file = try? OpenFile(place, followLinks: false) else { return [] }
    let reported = named ?? place.lastComponent.description
    let input = RecordInput(
      file: ProvenanceFile(reported: reported, location: place, path: place), source: ByteSource(file), limits: limits,
      trust: plan.trust, base: base, isGiven: isGiven)
    let records = RecordList.records(for: input)
    if records.isEmpty, isGiven {
      var reading = RecordReading(kind: "record", record: reported, location: place, base: base ?? place.parent)
      reading.notes = [
        RecordNote(.unverifiable, "record-unknown", detail: "'\(reported)' is of no known kind of record")
      ]
      return [reading]
    }
    return records.flatMap { $0.readings(of: input) }.map { reading in
      var reading = reading
      reading.isInScope = isGiven
      if !isGiven { reading.notes.removeAll { $0.location == nil && $0.status != .unverifiable } }
      return reading
    }
  }

  /// The indexes of checkouts of git, whose own files are no targets.
  private func checkouts(_ targets: [Target]) -> [RecordReading] {
    var found: [RecordReading] = []
    var last: SystemPath?
    var seen: Set<SystemPath> = []
    for target in targets where target.folder != last {
      last = target.folder
      guard seen.insert(target.folder).inserted else { continue }
      let label = target.reported.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      if let reading = GitIndexRecord.read(
        target.folder, reported: label.joined(separator: "/"), limits: limits)
      {
        found.append(reading)
      }
    }
    return found
  }
}

extension Target {
  /// Where it was found: its folder resolved, the last component as it is.
  var location: SystemPath {
    let name = Walker.lastComponent(reported)
    if path.parent == folder, path.lastComponent.description == name { return path }
    return folder.appending(SystemPath(name))
  }
}
