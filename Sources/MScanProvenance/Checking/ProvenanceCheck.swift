public import MScanBytes
public import MScanFacts

/// What to spend on hashes.
public enum HashPolicy: Sendable, Hashable {
  /// What a record asks for.
  case onDemand
  case never
  /// Every file, whether a record asks or not.
  case all
}

/// Something that records and files say together, and where a report shows it.
public struct ProvenanceStatement: Sendable {
  public var fact: ProvenanceFact
  /// The file that a finding points to, as the report names it.
  public var file: String
  /// Line of that file, when it is the record.
  public var line: Int?
  /// What the record knows of the inside of a file that differs.
  public var contents: LockedContents?

  public init(fact: ProvenanceFact, file: String, line: Int? = nil) {
    self.fact = fact
    self.file = file
    self.line = line
  }
}

/// What came of a check.
public struct ProvenanceOutcome: Sendable {
  /// In order of record, then of what it lists.
  public var statements: [ProvenanceStatement] = []
  /// SHA-256 of every file that has been hashed that way, by its reported name.
  public var sha256: [String: String] = [:]
  public var hashedFiles = 0
  public var hashedBytes = 0

  public init(statements: [ProvenanceStatement] = []) { self.statements = statements }
}

/// Holds the files of a scan against what records say of them. Each file is read once, for all its digests.
public struct ProvenanceCheck: Sendable {
  public var hashing: HashPolicy
  public var jobs: Int
  /// Whether every file that a record may list was looked for; false when single files were given.
  public var limits: Limits

  public init(hashing: HashPolicy = .onDemand, jobs: Int = 1, limits: Limits = .standard) {
    self.hashing = hashing
    self.jobs = jobs
    self.limits = limits
  }

  /// - Parameters:
  ///   - files: everything that the scan found.
  ///   - readings: what the records among them say, in any order.
  ///   - progress: called with the bytes hashed so far, from any thread.
  public func run(
    _ files: [ProvenanceFile], _ readings: [RecordReading], progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> ProvenanceOutcome {
    let index = FileIndex(files)
    var run = ProvenanceRun(index: index, readings: readings, hashing: hashing, limits: limits)
    run.plan()
    run.hash(jobs: jobs, progress: progress)
    run.judge()
    return run.outcome
  }
}
