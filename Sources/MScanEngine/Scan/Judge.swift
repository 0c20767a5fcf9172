import MScanBytes
import MScanFacts
import MScanRules

/// What one file adds to a report.
struct FileVerdict: Sendable {
  var findings: [Finding] = []
  var unread: [Unread] = []
  /// The rows that findings point to, parents before children; indices in `findings` are into this table.
  var artifacts = ArtifactTable()

  var isEmpty: Bool { findings.isEmpty && unread.isEmpty }

  /// Adds what was found out about the same file later.
  mutating func append(_ other: FileVerdict) {
    let base = artifacts.rows.count
    for var row in other.artifacts.rows {
      row.parent = row.parent.map { $0 + base }
      artifacts.append(row)
    }
    for var finding in other.findings {
      finding.artifact += base
      findings.append(finding)
    }
    unread.append(contentsOf: other.unread)
  }
}

/// Holds facts against rules.
struct Judge: Sendable {
  let rules: RuleSet

  func verdict(on scan: FileScan) -> FileVerdict {
    var verdict = FileVerdict()
    let table = scan.buffer.artifacts
    var lines = LineFinder(source: scan.source, table: table)
    var matched: [(finding: Finding, fact: Fact)] = []
    var contexts: [Int: MatchContext] = [:]
    for fact in scan.buffer.facts {
      let context: MatchContext
      if let known = contexts[fact.artifact] {
        context = known
      } else {
        let row = table[fact.artifact]
        context = MatchContext(fileName: Walker.lastComponent(row?.name ?? ""), format: row?.format ?? "")
        contexts[fact.artifact] = context
      }
      if case .anomaly(let anomaly) = fact.payload, anomaly.incomplete {
        verdict.unread.append(Self.unread(anomaly, fact: fact, table: table))
      }
      guard let match = rules.match(fact, in: context) else { continue }
      matched.append((finding(match, fact: fact, context: context, table: table, lines: &lines), fact))
    }
    let merged = Self.merge(matched, table: table)
    (verdict.findings, verdict.artifacts) = Self.keepRows(of: merged, from: table)
    return verdict
  }

  private func finding(
    _ match: Match, fact: Fact, context: MatchContext, table: ArtifactTable, lines: inout LineFinder
  ) -> Finding {
    let rule = rules.rules[match.rule]
    let place = table.onDisk(fact.artifact, fact.range)
    let chain = table.chain(of: fact.artifact)
    let position = lines.position(of: fact, at: place.range.start, isNested: !chain.isEmpty)
    var arguments: [String] = []
    var when: [String] = []
    if case .callable(let callable) = fact.payload {
      arguments = callable.arguments
      when = callable.when
    } else if case .text(let text) = fact.payload {
      when = text.when
    }
    var finding = Finding(
      rule: rule.id, severity: rule.severity, precision: rule.precision,
      message: rules.message(for: match, fact: fact, in: context), file: table.file(of: fact.artifact),
      artifact: fact.artifact, chain: chain, place: fact.place.description, line: position?.line ?? 1,
      column: position?.column ?? 1, isText: position != nil, byteOffset: place.range.start,
      byteLength: place.range.count, exact: place.exact, innerRange: fact.range, subject: match.subject,
      arguments: arguments, when: when, count: fact.count,
      fingerprint: Fingerprint.base(rule: rule.id, chain: chain, fact: fact, subject: match.subject, table: table),
      fix: rule.fix)
    if case .callable(let callable) = fact.payload {
      finding.refusedBy = refusers(of: callable)
      finding.flow = Self.flow(to: fact, callable, in: finding.file)
    }
    return finding
  }

  /// The way to a call, with the call itself as the last step.
  private static func flow(to fact: Fact, _ callable: CallableFact, in file: String) -> [FlowStep] {
    guard !callable.flow.isEmpty, case .source(let line, let column) = fact.place else { return [] }
    let steps = callable.flow.map { step in
      var step = step
      if step.file.isEmpty { step.file = file }
      return step
    }
    return steps + [FlowStep(file: file, line: line, column: column, message: "calls \(callable.dotted)")]
  }

  /// What torch's own restricted unpickler would do: it looks each GLOBAL up in a list, and stops at the first that is
  /// not there. It is the default since 2.6. Files in torch's first container, a tar, were read without it before.
  private func refusers(of callable: CallableFact) -> [String] {
    let loader = "torch.load(weights_only=True)"
    guard callable.when.contains("torch.load"), !rules.accepts(callable.dotted, loader: loader) else { return [] }
    return [loader]
  }

  /// What is called says all that naming it does, so one finding stands for both, with the place of the name beside.
  private static func merge(_ matched: [(finding: Finding, fact: Fact)], table: ArtifactTable) -> [Finding] {
    struct Key: Hashable {
      let artifact: Int
      let dotted: String
    }
    func key(_ fact: Fact, _ stage: CallableFact.Stage) -> Key? {
      guard case .callable(let callable) = fact.payload, callable.stage == stage else { return nil }
      return Key(artifact: fact.artifact, dotted: callable.dotted)
    }
    var invoked: [Key: Severity] = [:]
    var namedAt: [Key: ByteRange] = [:]
    for (finding, fact) in matched {
      if let called = key(fact, .invoked) {
        invoked[called] = max(invoked[called] ?? .info, finding.severity)
      } else if let named = key(fact, .named), namedAt[named] == nil {
        namedAt[named] = fact.range
      }
    }
    var kept: [Finding] = []
    for (finding, fact) in matched {
      if let named = key(fact, .named), let severity = invoked[named], severity >= finding.severity { continue }
      var finding = finding
      if case .callable(let callable) = fact.payload, let called = key(fact, .invoked),
        let range = callable.namedAt ?? namedAt[called]
      {
        let place = table.onDisk(fact.artifact, range)
        finding.related.append(
          Finding.Related(
            message: "\(callable.dotted) is named here", byteOffset: place.range.start,
            byteLength: place.range.count, exact: place.exact))
      }
      kept.append(finding)
    }
    return kept
  }

  /// Drops the rows that no finding points to.
  private static func keepRows(of findings: [Finding], from table: ArtifactTable) -> ([Finding], ArtifactTable) {
    var needed: Set<Int> = []
    for finding in findings {
      var at: Int? = finding.artifact
      while let index = at, needed.insert(index).inserted { at = table[index]?.parent }
    }
    var kept = ArtifactTable()
    var moved: [Int: Int] = [:]
    for index in needed.sorted() {
      guard var row = table[index] else { continue }
      row.parent = row.parent.flatMap { moved[$0] }
      moved[index] = kept.append(row)
    }
    let renumbered = findings.map { finding in
      var finding = finding
      finding.artifact = moved[finding.artifact] ?? 0
      return finding
    }
    return (renumbered, kept)
  }

  static func unread(_ anomaly: AnomalyFact, fact: Fact, table: ArtifactTable) -> Unread {
    Unread(
      file: table.file(of: fact.artifact), chain: table.chain(of: fact.artifact), reason: reason(of: anomaly.subject),
      detail: anomaly.detail.isEmpty ? anomaly.field : anomaly.detail,
      byteOffset: table.onDisk(fact.artifact, fact.range).range.start)
  }

  /// `limit.depth` → `limit`, `link.escapes` → `link-escapes`, `pickle.truncated` → `truncated`.
  static func reason(of subject: String) -> String {
    let parts = subject.split(separator: ".", maxSplits: 1)
    guard let family = parts.first, let reason = parts.dropFirst().first else { return subject }
    switch family {
    case "limit": return "limit"
    case "link": return "link-\(reason)"
    default: return String(reason)
    }
  }
}

/// Line and column of facts about text.
struct LineFinder {
  private let source: ByteSource?
  private let isText: Bool
  /// Where the last question ended, since questions mostly go forward.
  private var known = (offset: 0, line: 1, column: 1)
  private var buffer: [UInt8] = []

  init(source: ByteSource?, table: ArtifactTable) {
    self.source = source
    self.isText = Registry.isText(table[0]?.format ?? "")
  }

  /// Nil in a binary file. `offset` is in the file on disk; lines and columns count from 1, columns in Unicode scalars.
  mutating func position(of fact: Fact, at offset: Int, isNested: Bool) -> (line: Int, column: Int)? {
    guard isText, let source else { return nil }
    if !isNested, let stated = fact.place.lineAndColumn { return stated }
    var (at, line, column) = offset < known.offset ? (0, 1, 1) : known
    let end = min(offset, source.count)
    while at < end {
      let got = source.read(at: at, count: min(1 << 16, end - at), into: &buffer)
      guard got > 0 else { break }
      for byte in buffer {
        if byte == UInt8(ascii: "\n") {
          line += 1
          column = 1
        } else if byte & 0xc0 != 0x80 {
          column += 1
        }
      }
      at += got
    }
    known = (at, line, column)
    return (line, column)
  }
}

/// What makes a finding the same finding in another scan.
enum Fingerprint {
  /// A hash over the rule, the names on the way to the place, the kind of place and the subject, without offsets, so
  /// that it outlives edits elsewhere in the file.
  static func base(rule: String, chain: [String], fact: Fact, subject: String, table: ArtifactTable) -> String {
    var hash = StableHash()
    hash.combine(rule)
    hash.combine(Walker.lastComponent(table.file(of: fact.artifact)))
    for step in chain { hash.combine(withoutOffsets(step)) }
    hash.combine(kind(of: fact.place))
    hash.combine(subject)
    return hash.hex
  }

  /// Tells the second and later findings of one fingerprint apart, in the order given.
  static func makeUnique(_ findings: inout [Finding]) {
    var seen: [String: Int] = [:]
    for index in findings.indices {
      let base = findings[index].fingerprint
      let ordinal = seen[base, default: 0]
      seen[base] = ordinal + 1
      guard ordinal > 0 else { continue }
      var hash = StableHash()
      hash.combine(base)
      hash.combine(String(ordinal))
      findings[index].fingerprint = hash.hex
    }
  }

  /// `bytes at 120` → `bytes at`, `bytes at 0x1c` → `bytes at`.
  private static func withoutOffsets(_ step: String) -> String {
    let words = step.split(separator: " ", omittingEmptySubsequences: false)
    guard let at = words.lastIndex(of: "at"), at + 2 == words.count else { return step }
    let offset = words[at + 1].hasPrefix("0x") ? words[at + 1].dropFirst(2) : words[at + 1]
    guard !offset.isEmpty, offset.allSatisfy(\.isHexDigit) else { return step }
    return words[...at].joined(separator: " ")
  }

  private static func kind(of place: Place) -> String {
    switch place {
    case .whole: "file"
    case .opcode: "opcode"
    case .path(let pointer): "path " + pointer
    case .tensor: "tensor"
    case .member: "member"
    case .node: "node"
    case .line(_, _, let path): path ?? "line"
    case .source: "line"
    }
  }
}
