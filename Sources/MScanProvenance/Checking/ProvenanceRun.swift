import MScanBytes
import MScanFacts

/// One check, step by step: which files are asked for, their digests, and what that makes of each claim.
struct ProvenanceRun {
  let index: FileIndex
  var readings: [RecordReading]
  let hashing: HashPolicy
  let limits: Limits
  var outcome = ProvenanceOutcome()

  /// What to hash, by index of the file.
  var requests: [Int: HashRequest] = [:]
  var results: [Int: HashResult] = [:]
  /// Places of the records themselves: no record lists the others.
  let records: Set<SystemPath>
  var claimed = 0

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

  // MARK: - Claims

  mutating func judge() {
    for reading in readings {
      for note in reading.notes { state(note, of: reading) }
      if let verdict = reading.signature { state(verdict, of: reading) }
      let isElsewhere = isElsewhere(reading)
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
        judge(claim, of: reading, isElsewhere: isElsewhere)
      }
      for folder in reading.covers { findUnlisted(in: folder, of: reading) }
    }
    findMixedRevisions()
    outcome.statements = Self.folded(outcome.statements, limit: limits.recordFindings)
  }

  /// Keeps the first statements of each record that say the same thing is wrong, and says how many more there are.
  static func folded(_ statements: [ProvenanceStatement], limit: Int) -> [ProvenanceStatement] {
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

  /// Whether nothing that a checksum list names is here: it came with an archive that was unpacked, or stayed behind.
  func isElsewhere(_ reading: RecordReading) -> Bool {
    reading.kind == ChecksumListRecord.kind && !reading.claims.isEmpty
      && reading.claims.allSatisfy { claim in
        guard let location = claim.location else { return false }
        return index.index(of: location) == nil && (try? FileStatus(of: location, followLinks: false)) == nil
      }
  }

  mutating func judge(_ claim: RecordClaim, of reading: RecordReading, isElsewhere: Bool) {
    guard let location = claim.location else {
      let note = RecordNote(
        .unverifiable, "path-escapes", name: claim.name,
        detail: "the name leads out of the record's folder; it was not followed", line: claim.line)
      return state(note, of: reading)
    }
    guard let number = index.index(of: location) else {
      return judgeAbsent(claim, at: location, of: reading, isElsewhere: isElsewhere)
    }
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

  mutating func judge(
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

  mutating func judgeAbsent(
    _ claim: RecordClaim, at location: SystemPath, of reading: RecordReading, isElsewhere: Bool
  ) {
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
      .missingFile, isElsewhere ? "none-here" : "", name: shown(claim, at: location, of: reading),
      detail: isElsewhere ? "nothing that the list names is here" : "'\(claim.name)' is not here", line: claim.line)
    state(note, of: reading)
  }

  /// How the report would name a file that it does not have.
  func shown(_ claim: RecordClaim, at location: SystemPath, of reading: RecordReading) -> String {
    guard location.isInside(reading.base), location != reading.base else { return claim.name }
    let inside = SystemPath(bytes: location.bytes.dropFirst(reading.base.bytes.count + 1)).description
    // Beside a record, the way to it is the way to the file.
    guard reading.location.parent == reading.base, let slash = reading.record.lastIndex(of: "/") else { return inside }
    return reading.record[...slash] + inside
  }

  /// Whether the digest is that of the pointer that Git LFS keeps in the file's place.
  static func isPointer(_ digest: Digest, _ result: HashResult) -> Bool {
    guard let sha256 = result.whole[.sha256] else { return false }
    let pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:\(Hex.text(sha256))\nsize \(result.size)\n"
    return FileHasher.digest(Array(pointer.utf8), digest.algorithm) == digest.bytes
  }

  static func uncomputed(_ claim: RecordClaim) -> String {
    let names = claim.digests.map(\.algorithm.title).joined(separator: ", ")
    return "\(names) is not computed by this version"
  }

  static func short(_ digits: String) -> String { digits.count > 16 ? digits.prefix(12) + "…" : digits }
}
