public import MScanBytes

/// What a rule says for people, shared by all its findings.
public struct RuleDescriptor: Sendable, Hashable {
  public var id: String
  public var title: String
  public var kind: FactKind
  public var severity: Severity
  public var precision: Precision
  /// `CWE-502` …
  public var cwe: [String]
  /// MITRE ATLAS technique ids, `AML.T0011.000` …
  public var atlas: [String]
  /// With placeholders in braces.
  public var message: String
  public var why: String
  public var fix: String
  public var references: [String]
  public var aliases: [String]
  public var since: String
  /// A group of rules that stays quiet until it is selected by name; empty for a rule that always judges.
  public var group: String

  public init(
    id: String, title: String, kind: FactKind, severity: Severity, precision: Precision = .high, cwe: [String] = [],
    atlas: [String] = [], message: String, why: String = "", fix: String = "", references: [String] = [],
    aliases: [String] = [], since: String = "0.1.0", group: String = ""
  ) {
    self.id = id
    self.title = title
    self.kind = kind
    self.severity = severity
    self.precision = precision
    self.cwe = cwe
    self.atlas = atlas
    self.message = message
    self.why = why
    self.fix = fix
    self.references = references
    self.aliases = aliases
    self.since = since
    self.group = group
  }
}

/// A rule's verdict on one fact.
public struct Finding: Sendable, Hashable {
  /// Another place that belongs to the finding.
  public struct Related: Sendable, Hashable {
    public var message: String
    public var byteOffset: Int
    public var byteLength: Int
    public var exact: Bool

    public init(message: String, byteOffset: Int, byteLength: Int, exact: Bool) {
      self.message = message
      self.byteOffset = byteOffset
      self.byteLength = byteLength
      self.exact = exact
    }
  }

  public var rule: String
  public var severity: Severity
  public var precision: Precision
  public var message: String
  /// Path of the file, relative to the PATH given, with `/`.
  public var file: String
  /// Row in the report's artifact table.
  public var artifact: Int
  public var chain: [String]
  public var place: String
  /// Of the file, from 1; 1:1 for binaries.
  public var line: Int
  public var column: Int
  /// Whether `line` and `column` are real, that is, the artifact is text.
  public var isText: Bool
  /// In the file on disk.
  public var byteOffset: Int
  public var byteLength: Int
  /// Whether the offset is exact, or widened to a compressed member.
  public var exact: Bool
  /// In the innermost artifact.
  public var innerRange: ByteRange
  public var subject: String
  public var arguments: [String]
  public var when: [String]
  /// Loaders that would refuse the name before it runs: `torch.load(weights_only=True)`.
  public var refusedBy: [String] = []
  public var count: Int
  public var fingerprint: String
  /// Why it does not count, nil when it does.
  public var suppression: String?
  public var fix: String
  public var related: [Related]
  /// How the loader gets to it, the first step first; empty when there is nothing to tell.
  public var flow: [FlowStep] = []

  public init(
    rule: String, severity: Severity, precision: Precision, message: String, file: String, artifact: Int,
    chain: [String], place: String, line: Int = 1, column: Int = 1, isText: Bool = false, byteOffset: Int,
    byteLength: Int, exact: Bool, innerRange: ByteRange, subject: String, arguments: [String] = [],
    when: [String] = [], count: Int = 1, fingerprint: String = "", suppression: String? = nil, fix: String = "",
    related: [Related] = []
  ) {
    self.rule = rule
    self.severity = severity
    self.precision = precision
    self.message = message
    self.file = file
    self.artifact = artifact
    self.chain = chain
    self.place = place
    self.line = line
    self.column = column
    self.isText = isText
    self.byteOffset = byteOffset
    self.byteLength = byteLength
    self.exact = exact
    self.innerRange = innerRange
    self.subject = subject
    self.arguments = arguments
    self.when = when
    self.count = count
    self.fingerprint = fingerprint
    self.suppression = suppression
    self.fix = fix
    self.related = related
  }

  public var isSuppressed: Bool { suppression != nil }
}

/// Something that was not read, and why.
public struct Unread: Sendable, Hashable {
  public var file: String
  public var chain: [String]
  /// `truncated`, `malformed`, `limit`, `unsupported`, `unreadable`, `missing`, `permission` …
  public var reason: String
  public var detail: String
  public var byteOffset: Int

  public init(file: String, chain: [String] = [], reason: String, detail: String, byteOffset: Int = 0) {
    self.file = file
    self.chain = chain
    self.reason = reason
    self.detail = detail
    self.byteOffset = byteOffset
  }
}

/// Everything a reporter tells.
public struct ScanReport: Sendable {
  public enum Verdict: String, Sendable {
    case doNotLoad = "do-not-load"
    case review, clean, incomplete
  }

  public struct Summary: Sendable {
    public var files = 0
    public var artifacts = 0
    public var bytes = 0
    public var bytesRead = 0
    public var seconds = 0.0
    public init() {}
  }

  public var toolName = "mscan-lint"
  public var toolVersion: String
  /// Version of the rule set: a hash of its contents.
  public var rulesVersion: String
  /// Descriptors of every rule that has a finding here, by id.
  public var rules: [RuleDescriptor]
  public var artifacts: ArtifactTable
  /// In order of file, byte, rule.
  public var findings: [Finding]
  public var unread: [Unread]
  /// What the records beside the models say, by record and file.
  public var provenance: [ProvenanceFact] = []
  /// SHA-256 of the files that were hashed that way, by path.
  public var digests: [String: String] = [:]
  /// Every file, by path, where an inventory was asked for; else empty.
  public var files: [ScannedFile] = []
  /// What the model says of itself, where an inventory was asked for.
  public var model = ModelDescription()
  /// Whether records were all that was looked at.
  public var isVerification = false
  /// Where the models come from.
  public var lineage = LineageReport()
  public var summary: Summary

  public init(
    toolVersion: String, rulesVersion: String, rules: [RuleDescriptor] = [],
    artifacts: ArtifactTable = ArtifactTable(), findings: [Finding] = [], unread: [Unread] = [],
    summary: Summary = Summary()
  ) {
    self.toolVersion = toolVersion
    self.rulesVersion = rulesVersion
    self.rules = rules
    self.artifacts = artifacts
    self.findings = findings
    self.unread = unread
    self.summary = summary
  }

  /// Findings that count.
  public var active: [Finding] { findings.filter { !$0.isSuppressed } }

  public func count(of severity: Severity) -> Int { active.count { $0.severity == severity } }

  /// One word for the whole scan: `do-not-load` for a high or critical finding, `review` for a medium one,
  /// `incomplete` when something was not read, `clean` otherwise.
  public var verdict: Verdict {
    let worst = active.map(\.severity).max() ?? .info
    if worst >= .high { return .doNotLoad }
    if worst == .medium { return .review }
    return unread.isEmpty ? .clean : .incomplete
  }
}
