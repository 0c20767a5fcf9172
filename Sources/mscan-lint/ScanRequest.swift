import ArgumentParser
import MScanBytes
import MScanEngine
import MScanFacts
import MScanProvenance
import MScanReports
import MScanRules

/// What `scan` was asked for.
struct ScanRequest {
  var paths: [String]
  var formats: [String] = []
  var outputs: [String] = []
  var failOn: FailOn?
  var rules: [String] = []
  var config: String?
  var baseline: String?
  var ignore: [String] = []
  var select: [String] = []
  var registries: [String] = []
  var advisories: [String] = []
  var limits = Limits.standard
  var jobs: Int?
  var noProgress = false
  var color = ColorChoice.auto
  var quiet = false
  var noHash = false
  var hash: HashChoice?
  var trust = TrustRequest()
  /// Provenance alone.
  var verifies = false

  init(paths: [String]) { self.paths = paths }

  func run() throws {
    let plan = try ReportPlan(formats: formats, outputs: outputs)
    for (option, file) in [("--config", config), ("--baseline", baseline)] {
      if let file { try Self.requireFile(file, option) }
    }
    for directory in self.rules { try RuleOptions.require(directory, "--rules") }
    for (option, file) in trust.files { try Self.requireFile(file, option) }
    if noHash, hash != nil { throw ValidationError("--no-hash and --hash contradict each other.") }
    try Terminal.run { try scan(plan) }
  }

  private func scan(_ plan: ReportPlan) throws -> ExitStatus {
    let paths = try PathList.expand(self.paths)
    let configuration = try findConfiguration(paths)
    let rules = try RuleLibrary.loadOrFail(adding: configuration.rules + self.rules)
    let policy = try policy(configuration, rules: rules, paths: paths)
    let files = try plan.open()
    let own = files.compactMap { $0?.identity } + [ByteOutput.standardOutput.identity].compactMap { $0 }
    let found = Discovery(limits: limits, exclude: configuration.exclude).targets(of: paths)
    let progress = Progress(total: found.count, wanted: !noProgress && !quiet)
    var scanner = Scanner(limits: limits, jobs: jobs ?? RunningProcess.cores, skip: Set(own))
    scanner.provenance = try trust.plan(paths: paths)
    scanner.provenance.hashing = noHash ? .never : hash == .all ? .all : .onDemand
    // An inventory is of little use without hashes.
    if plan.items.contains(where: { $0.reporter.needsInventory }) {
      scanner.provenance.takesInventory = true
      if !noHash { scanner.provenance.hashing = .all }
    }
    do throws(ConfigurationError) {
      try configuration.require(in: &scanner.provenance)
    } catch {
      throw RunFailure(error.message)
    }
    scanner.lineage = try RegistryOptions.options(registries: registries, advisories: advisories)
    let report =
      verifies
      ? scanner.verify(found, rules: rules, policy: policy) { progress?.hashed($0) }
      : scanner.scan(
        found, rules: rules, policy: policy, progress: { progress?.update($0) }, hashed: { progress?.hashed($0) })
    progress?.clear()
    if found.isEmpty, !quiet { Terminal.note("no files were found") }
    let threshold = failOn.map(\.severity) ?? (configuration.failOn ?? .medium).severity
    try plan.write(
      report, to: files, quiet: quiet, failOn: threshold, color: Terminal.wantsColor(color),
      alwaysColor: color == .always)
    return ExitStatus.of(report, failOn: threshold)
  }

  private func findConfiguration(_ paths: [SystemPath]) throws -> Configuration {
    do throws(ConfigurationError) {
      if let config { return try Configuration.read(SystemPath(config)) }
      let found = ConfigurationSearch.above(paths)
      for skipped in found.skipped where !quiet { Terminal.note(skipped) }
      return try found.path.map { path throws(ConfigurationError) in try Configuration.read(path) } ?? Configuration()
    } catch {
      throw RunFailure(error.message)
    }
  }

  private func policy(_ configuration: Configuration, rules: RuleSet, paths: [SystemPath]) throws -> Policy {
    let index = RuleIndex(rules)
    var policy = Policy()
    for (option, names) in [("--ignore", ignore), ("--select", select)] {
      for name in names.flatMap({ $0.split(separator: ",").map(String.init) }) {
        if option == "--select", index.groups.contains(name) {
          policy.groups.insert(name)
          continue
        }
        guard let id = index.id(of: name) else { throw ValidationError("\(option): \(index.unknown(name))") }
        if option == "--ignore" { policy.ignore.insert(id) } else { policy.select.insert(id) }
      }
    }
    do throws(ConfigurationError) {
      try configuration.apply(to: &policy, index: index)
      if let baseline { policy.baseline = try Baseline.fingerprints(in: SystemPath(baseline)) }
    } catch {
      throw RunFailure(error.message)
    }
    policy.coversFolders = paths.contains {
      (try? FileStatus(of: $0, followLinks: true))?.kind == .folder
    }
    return policy
  }

  private static func requireFile(_ path: String, _ option: String) throws {
    let kind = (try? FileStatus(of: SystemPath(path), followLinks: true))?.kind
    guard kind == .file else {
      throw ValidationError("\(option): '\(path)' \(kind == nil ? "does not exist." : "is not a file.")")
    }
  }
}
