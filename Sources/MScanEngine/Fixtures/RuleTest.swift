public import MScanBytes
import MScanFacts
import MScanProvenance
public import MScanRules

/// Holds rules against samples: `DIR/<rule id>/fires-*` have to make the rule fire, `quiet-*` must not.
///
/// A sample is a file or a folder. `<sample>.trust` beside it holds the keys and authorities that its reader trusts. A file that ends in `.hex`, in a folder too, is assembled first (see ``HexText``) and
/// read under its name without that ending.
public struct RuleTest: Sendable {
  public struct Outcome: Sendable {
    public var samples = 0
    /// One sentence for each sample that does not behave.
    public var failures: [String] = []
  }

  private let rules: RuleSet
  private let limits: Limits

  public init(rules: RuleSet, limits: Limits = .standard) {
    self.rules = rules
    self.limits = limits
  }

  /// Tests every sample below `directory`.
  ///
  /// - Throws: when the folder cannot be read.
  public func run(_ directory: SystemPath) throws(FileStatus.Failure) -> Outcome {
    var outcome = Outcome()
    let index = RuleIndex(rules)
    for entry in try Folder.entries(of: directory, followLinks: true) where entry.kind == .folder {
      let id = entry.name.description
      let folder = directory.appending(entry.name)
      guard let rule = index.id(of: id) else {
        outcome.failures.append("\(folder): \(index.unknown(id))")
        continue
      }
      var fires = 0
      for sample in try Folder.entries(of: folder, followLinks: false) {
        let name = sample.name.description
        guard name.hasPrefix("fires-") || name.hasPrefix("quiet-"), !name.hasSuffix(Self.trustEnding) else { continue }
        outcome.samples += 1
        if name.hasPrefix("fires-") { fires += 1 }
        check(folder.appending(sample.name), rule: rule, fires: name.hasPrefix("fires-"), into: &outcome)
      }
      if fires == 0 { outcome.failures.append("\(folder): there is no fires-* sample") }
    }
    return outcome
  }

  private static let trustEnding = ".trust"

  /// Whom the reader of a sample trusts: `<sample>.trust/key.pem`, `certificate.pem`, `trusted_root.json`.
  private static func trust(beside sample: SystemPath) -> TrustOptions {
    let folder = SystemPath(sample.description + trustEnding)
    func file(_ name: String) -> TrustFile? {
      let bytes = content(of: folder.appending(SystemPath(name)))
      return bytes.isEmpty ? nil : TrustFile(name: name, bytes: bytes)
    }
    var trust = TrustOptions()
    trust.keys = [file("key.pem")].compactMap { $0 }
    trust.certificates = [file("certificate.pem")].compactMap { $0 }
    trust.trustRoot = file("trusted_root.json")
    return trust
  }

  private func check(_ sample: SystemPath, rule: String, fires: Bool, into outcome: inout Outcome) {
    var expectations: [HexText.Expectation] = []
    let findings: [Finding]
    if sample.description.hasSuffix(".hex") {
      do throws(RuleLoadFailure) {
        let text = try HexText(Self.content(of: sample), file: sample.description)
        expectations = text.expectations
        findings = self.findings(in: text.bytes, name: String(sample.lastComponent.description.dropLast(4)))
      } catch {
        outcome.failures += error.diagnostics.map(\.description)
        return
      }
    } else {
      let assembled: FolderSample?
      do throws(RuleLoadFailure) {
        assembled = try FolderSample.assembled(sample)
      } catch {
        outcome.failures += error.diagnostics.map(\.description)
        return
      }
      let targets = Discovery(limits: limits).targets(of: [assembled?.path ?? sample])
      var scanner = Scanner(limits: limits, jobs: 1)
      scanner.provenance.trust = Self.trust(beside: sample)
      scanner.provenance.paths = [assembled?.path ?? sample]
      // Advisories are no part of a model: a sample of theirs has them beside it.
      scanner.lineage.advisories = (try? AdvisoryFile.read(sample.appending(SystemPath("advisories.json")))) ?? []
      findings = scanner.scan(targets, rules: rules, policy: everything).findings
    }
    let fired = findings.contains { $0.rule == rule }
    if fired != fires {
      let others = Set(findings.map(\.rule)).sorted().joined(separator: ", ")
      let instead = others.isEmpty ? "nothing does" : "these do: \(others)"
      outcome.failures.append(fires ? "\(sample): \(rule) does not fire; \(instead)" : "\(sample): \(rule) fires")
    }
    for expectation in expectations {
      let met = findings.contains {
        $0.rule == expectation.rule
          && expectation.range.contains($0.exact && !$0.chain.isEmpty ? $0.byteOffset : $0.innerRange.start)
          && (expectation.severity ?? $0.severity.rawValue) == $0.severity.rawValue
      }
      if !met { outcome.failures.append("\(sample):\(expectation.line): \(expectation.rule) does not fire here") }
    }
  }

  /// Samples of rules that wait to be selected fire as well.
  private var everything: Policy {
    var policy = Policy()
    policy.groups = Set(rules.groups)
    return policy
  }

  private func findings(in bytes: [UInt8], name: String) -> [Finding] {
    let walker = Walker(
      limits: limits, interest: rules.valueInterest, texts: rules.textInterest, calls: rules.callInterest)
    let scan = walker.read(bytes, name: name)
    return Judge(rules: rules).verdict(on: scan).findings
  }

  private static func content(of path: SystemPath) -> [UInt8] {
    guard let file = try? OpenFile(path) else { return [] }
    return ByteSource(file).prefix(Swift.min(file.size, 1 << 20))
  }
}
