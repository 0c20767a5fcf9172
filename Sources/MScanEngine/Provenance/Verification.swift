import MScanBytes
public import MScanFacts
public import MScanRules
import Synchronization

/// Provenance alone: records are found and files held against them, and nothing is read as a model.
extension Scanner {
  private final class Counts: Sendable {
    let summary = Mutex(ScanReport.Summary())
  }

  /// - Parameter hashed: called with the bytes hashed, from any thread.
  public func verify(
    _ targets: [Target], rules: RuleSet, policy: Policy, hashed: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> ScanReport {
    let started = RunningProcess.monotonicSeconds
    let records = ProvenanceStage(provenance, limits: limits)
    let counts = Counts()
    Workers.run(targets.count, threads: jobs) { index in
      let target = targets[index]
      counts.summary.withLock { $0.files += 1 }
      guard target.problem == nil, let file = try? OpenFile(target.path, followLinks: false) else { return true }
      guard !skip.contains(FileIdentity(device: file.device, inode: file.inode)) else { return true }
      records.look(at: target, ByteSource(file))
      counts.summary.withLock { summary in
        summary.bytes += file.size
        summary.bytesRead += file.bytesRead
      }
      return true
    }
    var report = ScanReport(
      toolVersion: Tool.version, rulesVersion: rules.version, summary: counts.summary.withLock { $0 })
    report.isVerification = true
    check(records, targets, Judge(rules: rules), into: &report, hashed)
    if !report.provenance.contains(where: { $0.reason != "record-of-other-files" }) {
      let detail = "no record of hashes or signatures was found; nothing could be verified"
      report.unread.append(Unread(file: targets.first?.reported ?? ".", reason: "unverifiable", detail: detail))
    }
    let unsettled: Set<String> = [
      "signature-unchecked", "download-incomplete", "pointer-only", "file-unread", "none-here",
    ]
    for fact in report.provenance where unsettled.contains(fact.reason) {
      report.unread.append(
        Unread(file: fact.path.isEmpty ? fact.record : fact.path, reason: "unverifiable", detail: fact.detail))
    }
    complete(&report, targets, rules: rules, policy: policy, started: started)
    return report
  }
}
