public import MScanBytes
public import MScanFacts
import MScanLineage
import MScanProvenance
public import MScanRules
import Synchronization

/// Runs a scan: every target is read by one of a fixed number of threads, judged, and let go; what the report needs is
/// joined in path order, so that the same input gives the same report on any number of cores.
public struct Scanner: Sendable {
  public var limits: Limits
  public var jobs: Int
  public var skip: Set<FileIdentity>
  public var provenance = ProvenancePlan()
  /// Known bases to hold the models against.
  public var lineage = LineageOptions()

  public init(limits: Limits = .standard, jobs: Int = RunningProcess.cores, skip: Set<FileIdentity> = []) {
    self.limits = limits
    self.jobs = max(1, jobs)
    self.skip = skip
  }

  private struct Sums {
    var verdicts: [Int: FileVerdict] = [:]
    var summary = ScanReport.Summary()
    var files: [ScannedFile] = []
    var model = ModelDescription()
  }

  private final class Shared: Sendable {
    let sums = Mutex(Sums())
  }

  /// - Parameters:
  ///   - progress: called with the number of files done, from any thread.
  ///   - hashed: called with the bytes hashed for records, from any thread.
  public func scan(
    _ targets: [Target], rules: RuleSet, policy: Policy, progress: @escaping @Sendable (Int) -> Void = { _ in },
    hashed: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> ScanReport {
    let started = RunningProcess.monotonicSeconds
    let shared = Shared()
    let inventory = provenance.takesInventory
    var interest = rules.valueInterest.adding(CorrelatorList.keys).adding(ClaimReader.keys)
    if inventory { interest = interest.adding(ModelDescription.keys) }
    let walker = Walker(
      limits: limits, interest: interest, texts: rules.textInterest, calls: rules.callInterest, skip: skip)
    let judge = Judge(rules: rules.judging(groups: policy.groups, rules: policy.select))
    let folders = IndexedFolders(targets)
    let origin = lineage.adding(rules.advisories, hashing: provenance.hashing)
    let records = ProvenanceStage(hashing(for: origin.advisories), limits: limits)
    let lineage = LineageScan(origin, jobs: jobs)
    Workers.run(targets.count, threads: jobs) { index in
      guard let scan = walker.read(targets[index]) else {
        _ = folders.finish(index, targets[index], nil)
        return true
      }
      if let source = scan.source { records.look(at: targets[index], source) }
      lineage.take(scan, targets[index], index)
      let verdict = judge.verdict(on: scan)
      let described = inventory ? Self.description(of: scan) : nil
      let done = shared.sums.withLock { sums in
        sums.summary.files += 1
        sums.summary.artifacts += scan.buffer.artifacts.rows.count
        sums.summary.bytes += scan.size
        sums.summary.bytesRead += scan.bytesRead
        if let described {
          sums.files.append(described.file)
          sums.model.merge(described.model)
        }
        if !verdict.isEmpty { sums.verdicts[index, default: FileVerdict()].append(verdict) }
        return sums.summary.files
      }
      for (other, scan) in folders.finish(index, targets[index], scan) {
        let further = judge.verdict(on: scan)
        shared.sums.withLock { $0.verdicts[other, default: FileVerdict()].append(further) }
      }
      progress(done)
      return true
    }
    var sums = shared.sums.withLock { $0 }
    let gravest = sums.verdicts.compactMapValues { $0.findings.map(\.severity).max() }
    let origins = lineage.finish(gravest: gravest)
    for (index, scan) in origins.scans { sums.verdicts[index, default: FileVerdict()].append(judge.verdict(on: scan)) }
    var report = ScanReport(toolVersion: Tool.version, rulesVersion: rules.version, summary: sums.summary)
    report.lineage = origins.report
    report.summary.bytesRead += origins.bytesRead
    for index in sums.verdicts.keys.sorted() {
      if let verdict = sums.verdicts[index] { join(verdict, into: &report) }
    }
    check(records, targets, judge, origin.advisories, into: &report, hashed)
    if inventory {
      report.files = sums.files.map { file in
        var file = file
        file.sha256 = report.digests[file.path] ?? ""
        return file
      }.sorted { $0.path.precedes($1.path) }
      report.model = sums.model
      report.model.sort()
      report.model.name = provenance.paths.first.map(Self.name) ?? ""
    }
    complete(&report, targets, rules: rules, policy: policy, started: started)
    return report
  }

  /// Puts the findings in order and applies what the user has decided about them.
  func complete(_ report: inout ScanReport, _ targets: [Target], rules: RuleSet, policy: Policy, started: Double) {
    report.findings.sort(by: Self.precedes)
    Fingerprint.makeUnique(&report.findings)
    var policy = policy
    if !policy.select.isEmpty {
      policy.select.formUnion(rules.rules.filter { policy.groups.contains($0.group) }.map(\.id))
    }
    policy.apply(to: &report, targets: targets)
    let used = Set(report.findings.map(\.rule))
    report.rules = (rules.rules + Policy.ownRules).filter { used.contains($0.id) }.sorted { $0.id < $1.id }
    report.summary.seconds = RunningProcess.monotonicSeconds - started
  }

  /// Advisories that name files by what is in them ask for every file's digest.
  private func hashing(for advisories: [Advisory]) -> ProvenancePlan {
    var plan = provenance
    if plan.hashing == .onDemand, advisories.contains(where: { !$0.files.isEmpty }) { plan.hashing = .all }
    return plan
  }

  private static func description(of scan: FileScan) -> (file: ScannedFile, model: ModelDescription) {
    let path = scan.buffer.artifacts[0]?.name ?? ""
    var model = ModelDescription()
    for fact in scan.buffer.facts where fact.artifact == 0 {
      guard case .value(let value) = fact.payload else { continue }
      model.note(value, file: path, line: fact.place.lineAndColumn?.line ?? 0)
    }
    return (ScannedFile(path: path, size: scan.size, format: scan.buffer.fileFormat ?? ""), model)
  }

  /// The name of what a PATH stands for.
  private static func name(of path: SystemPath) -> String {
    let last = path.normalised.lastComponent
    if !last.isEmpty, last != SystemPath("."), last != SystemPath("..") { return last.description }
    return (try? FileSystem.resolve(path))?.lastComponent.description ?? ""
  }

  /// Holds the files against their records.
  func check(
    _ records: ProvenanceStage, _ targets: [Target], _ judge: Judge, _ advisories: [Advisory] = [],
    into report: inout ScanReport, _ hashed: @escaping @Sendable (Int) -> Void
  ) {
    let outcome = records.finish(targets, jobs: jobs, progress: hashed)
    report.provenance = outcome.statements.map(\.fact)
    report.summary.bytesRead += outcome.hashedBytes
    report.digests = outcome.sha256
    for scan in LineageTeller.files(outcome.sha256, targets, named: advisories) {
      join(judge.verdict(on: scan), into: &report)
    }
    for (_, buffer) in ProvenanceStage.buffers(outcome, limits: limits) {
      join(judge.verdict(on: FileScan(buffer: buffer, source: ByteSource([]))), into: &report)
    }
    for fact in report.provenance where fact.reason == "record-limit" {
      report.unread.append(Unread(file: fact.record, reason: "limit", detail: fact.detail))
    }
  }

  private func join(_ verdict: FileVerdict, into report: inout ScanReport) {
    let base = report.artifacts.rows.count
    for var row in verdict.artifacts.rows {
      row.parent = row.parent.map { $0 + base }
      report.artifacts.append(row)
    }
    for var finding in verdict.findings {
      finding.artifact += base
      report.findings.append(finding)
    }
    report.unread.append(contentsOf: verdict.unread)
  }

  /// File, byte, rule; then whatever makes the order total.
  static func precedes(_ a: Finding, _ b: Finding) -> Bool {
    if a.file != b.file { return a.file.precedes(b.file) }
    if a.byteOffset != b.byteOffset { return a.byteOffset < b.byteOffset }
    if a.rule != b.rule { return a.rule.precedes(b.rule) }
    if a.artifact != b.artifact { return a.artifact < b.artifact }
    if a.innerRange != b.innerRange { return a.innerRange < b.innerRange }
    if a.subject != b.subject { return a.subject.precedes(b.subject) }
    return a.message.precedes(b.message)
  }
}

/// What the tool says of itself.
public enum Tool {
  public static let name = "mscan-lint"
  public static let version = "0.1.0"
}
