import MScanBytes
import MScanFacts
import Synchronization

/// One check, step by step: which files are asked for, their digests, and what that makes of each claim.
struct ProvenanceRun {
  let index: FileIndex
  private(set) var readings: [RecordReading]
  let hashing: HashPolicy
  let limits: Limits
  private(set) var outcome = ProvenanceOutcome()

  /// What to hash, by index of the file.
  private var requests: [Int: HashRequest] = [:]
  private var results: [Int: HashResult] = [:]
  /// Places of the records themselves: no record lists the others.
  private let records: Set<SystemPath>
  private var claimed = 0

  init(index: FileIndex, readings: [RecordReading], hashing: HashPolicy, limits: Limits) {
    self.index = index
    self.readings = readings.sorted { a, b in
      if a.record != b.record { return a.record < b.record }
      if a.kind != b.kind { return a.kind < b.kind }
      return a.location < b.location
    }
    self.hashing = hashing
    self.limits = limits
    // Blobs and files with a hash in their names are records of themselves, and still files.
    records = Set(
      readings.filter { reading in !reading.claims.contains { $0.location == reading.location } }.map(\.location))
  }

  // MARK: - What is asked for

  mutating func plan() {
    for number in readings.indices {
      if readings[number].findsBase { findBase(number) }
      for claim in readings[number].claims { ask(for: claim) }
    }
    if hashing == .all {
      for (number, file) in index.files.enumerated() where file.problem == nil {
        requests[number, default: HashRequest(path: file.path)].whole.insert(.sha256)
      }
    }
  }

  private mutating func ask(for claim: RecordClaim) {
    guard let location = claim.location, let number = index.index(of: location) else { return }
    let file = index.files[number]
    let algorithms = Set(claim.digests.map(\.algorithm).filter { $0.length != nil })
    guard file.problem == nil, !algorithms.isEmpty || claim.size != nil else { return }
    var request = requests[number] ?? HashRequest(path: file.path)
    if let part = claim.part {
      request.parts[part, default: []].formUnion(algorithms)
    } else {
      request.whole.formUnion(algorithms)
      if claim.mayBePointer { request.whole.insert(.sha256) }
    }
    requests[number] = request
  }

  /// A record may lie beside the folder that it lists: the folder where most of its names are is taken, its own first.
  private mutating func findBase(_ number: Int) {
    let reading = readings[number]
    let relative = reading.claims.compactMap { claim in
      claim.location.map { SystemPath(bytes: $0.bytes.dropFirst(reading.base.bytes.count + 1)) }
    }
    func hits(_ folder: SystemPath) -> Int { relative.count { index.index(of: folder.appending($0)) != nil } }
    var best = (folder: reading.base, hits: hits(reading.base))
    if best.hits == 0, !relative.isEmpty {
      var tried: Set<SystemPath> = []
      let depth = reading.base.components.count
      for file in index.below(reading.base) {
        let components = index.files[file].location.components
        guard components.count > depth + 1 else { continue }
        let folder = reading.base.appending(components[depth])
        guard tried.insert(folder).inserted, tried.count <= 64 else { continue }
        let count = hits(folder)
        if count > best.hits { best = (folder, count) }
      }
    }
    if best.hits == 0 {
      if reading.claims.contains(where: { !$0.isOptional }) {
        let count = reading.claims.count
        readings[number].notes.append(
          RecordNote(
            .unverifiable, "record-of-other-files",
            detail: "none of the \(count) files that it lists is here; it is about another folder"))
      }
      readings[number].claims = []
      return
    }
    guard best.folder != reading.base else { return }
    readings[number].base = best.folder
    func moved(_ place: SystemPath) -> SystemPath {
      let rest = place.bytes.dropFirst(reading.base.bytes.count + 1)
      return rest.isEmpty ? best.folder : best.folder.appending(SystemPath(bytes: rest))
    }
    readings[number].covers = reading.covers.map(moved)
    readings[number].leftOut = reading.leftOut.map(moved)
    for claim in readings[number].claims.indices {
      guard let location = readings[number].claims[claim].location else { continue }
      let rest = SystemPath(bytes: location.bytes.dropFirst(reading.base.bytes.count + 1))
      readings[number].claims[claim].location = best.folder.appending(rest)
    }
  }

  // MARK: - Digests

  mutating func hash(jobs: Int, progress: @escaping @Sendable (Int) -> Void) {
    if hashing == .never {
      // Sizes cost nothing.
      for number in requests.keys {
        requests[number]?.whole = []
        requests[number]?.parts = [:]
      }
    }
    guard !requests.isEmpty else { return }
    let sizes = Dictionary(
      uniqueKeysWithValues: requests.map { number, request in
        (number, (try? FileStatus(of: request.path, followLinks: false))?.size ?? 0)
      })
    // One file by several links is read once.
    var byPath: [SystemPath: [Int]] = [:]
    var merged: [SystemPath: HashRequest] = [:]
    for number in requests.keys.sorted() {
      guard let request = requests[number] else { continue }
      byPath[request.path, default: []].append(number)
      var whole = merged[request.path] ?? HashRequest(path: request.path)
      whole.whole.formUnion(request.whole)
      whole.parts.merge(request.parts) { $0.union($1) }
      merged[request.path] = whole
    }
    // The largest first, so that no core is left with one at the end.
    let order = merged.keys.sorted { a, b in
      let (left, right) = (size(a), size(b))
      return left != right ? left > right : a < b
    }
    func size(_ path: SystemPath) -> Int { byPath[path]?.first.flatMap { sizes[$0] } ?? 0 }
    let work = order.compactMap { merged[$0] }
    let done = Mutex(Progress(results: Array(repeating: nil, count: work.count)))
    let shared = Shared(done)
    Workers.run(work.count, threads: jobs) { number in
      let result = FileHasher.hash(work[number])
      let bytes = shared.progress.withLock { progress in
        progress.results[number] = result
        progress.bytes += result.size
        return progress.bytes
      }
      progress(bytes)
      return true
    }
    let all = shared.progress.withLock { $0 }
    for (number, request) in work.enumerated() {
      guard let result = all.results[number] else { continue }
      for file in byPath[request.path] ?? [] {
        results[file] = result
        if let digest = result.whole[.sha256] { outcome.sha256[index.files[file].reported] = Hex.text(digest) }
      }
      if !request.whole.isEmpty || !request.parts.isEmpty {
        outcome.hashedFiles += 1
        outcome.hashedBytes += result.size
      }
    }
  }

  private struct Progress {
    var results: [HashResult?]
    var bytes = 0
  }

  private final class Shared: Sendable {
    let progress: Mutex<Progress>
    init(_ progress: consuming Mutex<Progress>) { self.progress = progress }
  }

  // MARK: - Claims

  mutating func judge() {
    for reading in readings {
      for note in reading.notes { state(note, of: reading) }
      if let verdict = reading.signature { state(verdict, of: reading) }
      for claim in reading.claims {
        claimed += 1
        guard claimed <= limits.recordEntries else {
          state(
            RecordNote(
              .unverifiable, "record-limit", detail: "more than \(limits.recordEntries) files are listed by all records"
            ),
            of: reading)
          return
        }
        judge(claim, of: reading)
      }
      for folder in reading.covers { findUnlisted(in: folder, of: reading) }
    }
    findMixedRevisions()
    outcome.statements = Self.folded(outcome.statements, limit: limits.recordFindings)
  }

  /// Keeps the first statements of each record that say the same thing is wrong, and says how many more there are.
  private static func folded(_ statements: [ProvenanceStatement], limit: Int) -> [ProvenanceStatement] {
    var counts: [[String]: Int] = [:]
    var last: [[String]: ProvenanceStatement] = [:]
    var kept: [ProvenanceStatement] = []
    for statement in statements {
      guard statement.fact.status != .verified else {
        kept.append(statement)
        continue
      }
      let key = [statement.fact.record, statement.fact.status.rawValue, statement.fact.reason]
      counts[key, default: 0] += 1
      if counts[key, default: 0] <= limit { kept.append(statement) } else { last[key] = statement }
    }
    for key in last.keys.sorted(by: { $0.joined(separator: "\n") < $1.joined(separator: "\n") }) {
      guard var statement = last[key] else { continue }
      statement.fact.path = ""
      statement.fact.detail = "the same holds for \((counts[key] ?? 0) - limit) more files"
      statement.file = statement.fact.record
      statement.line = nil
      kept.append(statement)
    }
    return kept
  }

  private mutating func judge(_ claim: RecordClaim, of reading: RecordReading) {
    guard let location = claim.location else {
      let note = RecordNote(
        .unverifiable, "path-escapes", name: claim.name,
        detail: "the name leads out of the record's folder; it was not followed", line: claim.line)
      return state(note, of: reading)
    }
    guard let number = index.index(of: location) else { return judgeAbsent(claim, at: location, of: reading) }
    let file = index.files[number]
    if let problem = file.problem {
      switch problem {
      case "link.broken", "file.missing":
        return state(.missingFile, file: file, detail: "it links to nothing", of: reading)
      case "link.escapes":
        let detail = "it is a link that leads out of the folder, and was not followed"
        return state(.unverifiable, reason: "link-escapes", file: file, detail: detail, of: reading)
      default:
        return state(
          .unverifiable, reason: "file-unread", file: file, detail: "it was not read: \(problem)", of: reading)
      }
    }
    guard let result = results[number] else {
      let detail = claim.digests.isEmpty ? "the record gives no hash of it" : Self.uncomputed(claim)
      return state(.unverifiable, reason: "hash-unsupported", file: file, detail: detail, of: reading)
    }
    if let failure = result.failure {
      return state(.unverifiable, reason: "file-unread", file: file, detail: failure, of: reading)
    }
    judge(claim, file, result, of: reading)
  }

  private mutating func judge(
    _ claim: RecordClaim, _ file: ProvenanceFile, _ result: HashResult, of reading: RecordReading
  ) {
    if let size = claim.size, size != result.size, !claim.isGuess {
      return state(
        .differs, file: file, expected: "\(size) bytes", actual: "\(result.size) bytes",
        detail: "it has \(result.size) bytes, not \(size)", contents: claim.contents, of: reading)
    }
    if let part = claim.part, part.end > result.size {
      return state(.differs, file: file, detail: "it ends before byte \(part.end)", of: reading)
    }
    if hashing == .never {
      return state(.unverifiable, reason: "not-hashed", file: file, detail: "not hashed, as asked", of: reading)
    }
    let digests = claim.part.map { result.parts[$0] ?? [:] } ?? result.whole
    var checked: Digest?
    for digest in claim.digests {
      guard let actual = digests[digest.algorithm] else { continue }
      if digest.fits(actual) || claim.mayBePointer && Self.isPointer(digest, result) {
        if checked == nil || checked?.algorithm.isWeak == true { checked = digest }
        continue
      }
      if claim.isGuess { return }
      return state(
        .differs, file: file, algorithm: digest.algorithm.title, expected: digest.hex, actual: Hex.text(actual),
        detail: "its \(digest.algorithm.title) is \(Self.short(Hex.text(actual))), not \(Self.short(digest.hex))",
        contents: claim.contents, of: reading)
    }
    guard let checked else {
      return state(.unverifiable, reason: "hash-unsupported", file: file, detail: Self.uncomputed(claim), of: reading)
    }
    let isTrusted = reading.signature?.isTrusted ?? true
    let weak = checked.algorithm.isWeak && checked.algorithm != .gitBlob ? "; that can be forged" : ""
    let prefix = checked.bytes.count < checked.algorithm.length ?? 0 ? "starts as named" : "matches"
    state(
      isTrusted ? .verified : .untrusted, reason: isTrusted ? "" : "claimed", file: file,
      algorithm: checked.algorithm.title, expected: checked.hex, actual: checked.hex,
      detail: "its \(checked.algorithm.title) \(prefix)\(weak)"
        + (isTrusted ? "" : ", but nobody who is trusted stands for the record"), of: reading)
  }

  private mutating func judgeAbsent(_ claim: RecordClaim, at location: SystemPath, of reading: RecordReading) {
    let isThere = (try? FileStatus(of: location, followLinks: false)) != nil
    if isThere {
      guard reading.isInScope else { return }
      let note = RecordNote(
        .unverifiable, "not-scanned", location: location, name: shown(claim, at: location, of: reading),
        detail: "'\(claim.name)' is there and was left out of this scan", line: claim.line)
      return state(note, of: reading)
    }
    guard !claim.isOptional, !reading.isPartial, reading.isInScope else { return }
    let note = RecordNote(
      .missingFile, name: shown(claim, at: location, of: reading), detail: "'\(claim.name)' is not here",
      line: claim.line)
    state(note, of: reading)
  }

  /// How the report would name a file that it does not have.
  private func shown(_ claim: RecordClaim, at location: SystemPath, of reading: RecordReading) -> String {
    guard location.isInside(reading.base), location != reading.base else { return claim.name }
    let inside = SystemPath(bytes: location.bytes.dropFirst(reading.base.bytes.count + 1)).description
    // Beside a record, the way to it is the way to the file.
    guard reading.location.parent == reading.base, let slash = reading.record.lastIndex(of: "/") else { return inside }
    return reading.record[...slash] + inside
  }

  /// Whether the digest is that of the pointer that Git LFS keeps in the file's place.
  private static func isPointer(_ digest: Digest, _ result: HashResult) -> Bool {
    guard let sha256 = result.whole[.sha256] else { return false }
    let pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:\(Hex.text(sha256))\nsize \(result.size)\n"
    return FileHasher.digest(Array(pointer.utf8), digest.algorithm) == digest.bytes
  }

  private static func uncomputed(_ claim: RecordClaim) -> String {
    let names = claim.digests.map(\.algorithm.title).joined(separator: ", ")
    return "\(names) is not computed by this version"
  }

  private static func short(_ digits: String) -> String { digits.count > 16 ? digits.prefix(12) + "…" : digits }

  // MARK: - Folders

  private mutating func findUnlisted(in folder: SystemPath, of reading: RecordReading) {
    let listed = Set(reading.claims.compactMap(\.location))
    for number in index.below(folder) {
      let file = index.files[number]
      guard !listed.contains(file.location), !records.contains(file.location),
        !reading.ignored.contains(where: { file.location.isInside($0) })
      else { continue }
      var fact = fact(.unlistedFile, of: reading)
      fact.path = file.reported
      fact.complete = true
      fact.detail = "the record lists every file of its folder, and not this one"
      if reading.leftOut.contains(where: { file.location.isInside($0) }) {
        // What the signer chose to leave out is no fault, unless a loader takes it in.
        if !LoadedNames.contains(file.location) { fact.status = .unverifiable }
        fact.reason = "signature-ignores"
        fact.detail = "the signature leaves it out"
      }
      outcome.statements.append(ProvenanceStatement(fact: fact, file: file.reported))
    }
  }

  /// Files of one folder that records say to be of several commits: said of those that are with the fewest.
  private mutating func findMixedRevisions() {
    var groups: [String: [String: [RecordReading]]] = [:]
    for reading in readings {
      guard let revision = reading.revision else { continue }
      groups[reading.record, default: [:]][revision, default: []].append(reading)
    }
    for record in groups.keys.sorted() {
      guard let revisions = groups[record], revisions.count > 1 else { continue }
      let most = revisions.max { a, b in
        a.value.count != b.value.count ? a.value.count < b.value.count : a.key > b.key
      }
      for revision in revisions.keys.sorted() where revision != most?.key {
        for reading in revisions[revision] ?? [] {
          let claim = reading.claims.first
          let note = RecordNote(
            .unverifiable, "mixed-commits", location: claim?.location, name: claim?.name ?? "",
            detail:
              "it was fetched from commit \(Self.short(revision)), most others from \(Self.short(most?.key ?? ""))")
          state(note, of: reading)
        }
      }
    }
  }

  // MARK: - Saying it

  private func fact(_ status: ProvenanceFact.Status, of reading: RecordReading) -> ProvenanceFact {
    ProvenanceFact(kind: reading.kind, status: status, record: reading.record, complete: !reading.covers.isEmpty)
  }

  private mutating func state(
    _ status: ProvenanceFact.Status, reason: String = "", file: ProvenanceFile, algorithm: String = "",
    expected: String = "", actual: String = "", detail: String, contents: LockedContents? = nil,
    of reading: RecordReading
  ) {
    var fact = fact(status, of: reading)
    fact.reason = reason
    fact.path = file.reported
    fact.algorithm = algorithm
    fact.expected = expected
    fact.actual = actual
    fact.detail = detail
    var statement = ProvenanceStatement(fact: fact, file: file.reported)
    statement.contents = contents
    outcome.statements.append(statement)
  }

  private mutating func state(_ note: RecordNote, of reading: RecordReading) {
    var fact = fact(note.status, of: reading)
    fact.reason = note.reason
    fact.detail = note.detail
    let file = note.location.flatMap { index.index(of: $0) }.map { index.files[$0] }
    fact.path = file?.reported ?? note.name
    let record = index.index(of: reading.location).map { index.files[$0].reported } ?? reading.record
    outcome.statements.append(
      ProvenanceStatement(fact: fact, file: file?.reported ?? record, line: file == nil ? note.line : nil))
  }

  private mutating func state(_ verdict: SignatureVerdict, of reading: RecordReading) {
    var fact = fact(verdict.isTrusted ? .verified : .untrusted, of: reading)
    fact.reason = verdict.reason
    fact.detail = verdict.detail
    let record = index.index(of: reading.location).map { index.files[$0].reported } ?? reading.record
    outcome.statements.append(ProvenanceStatement(fact: fact, file: record))
  }
}
