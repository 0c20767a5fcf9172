import MScanBytes
import MScanFacts

/// What a check says of folders, records and files.
extension ProvenanceRun {
  mutating func findUnlisted(in folder: SystemPath, of reading: RecordReading) {
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
  mutating func findMixedRevisions() {
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

  func fact(_ status: ProvenanceFact.Status, of reading: RecordReading) -> ProvenanceFact {
    ProvenanceFact(kind: reading.kind, status: status, record: reading.record, complete: !reading.covers.isEmpty)
  }

  mutating func state(
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

  mutating func state(_ note: RecordNote, of reading: RecordReading) {
    var fact = fact(note.status, of: reading)
    fact.reason = note.reason
    fact.detail = note.detail
    let file = note.location.flatMap { index.index(of: $0) }.map { index.files[$0] }
    fact.path = file?.reported ?? note.name
    let record = index.index(of: reading.location).map { index.files[$0].reported } ?? reading.record
    outcome.statements.append(
      ProvenanceStatement(fact: fact, file: file?.reported ?? record, line: file == nil ? note.line : nil))
  }

  mutating func state(_ verdict: SignatureVerdict, of reading: RecordReading) {
    var fact = fact(verdict.isTrusted ? .verified : .untrusted, of: reading)
    fact.reason = verdict.reason
    fact.detail = verdict.detail
    let record = index.index(of: reading.location).map { index.files[$0].reported } ?? reading.record
    outcome.statements.append(ProvenanceStatement(fact: fact, file: record))
  }
}
