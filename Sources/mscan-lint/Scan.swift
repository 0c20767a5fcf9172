import ArgumentParser
import MScanBytes
import MScanEngine
import MScanFacts
import MScanReports
import MScanRules

/// `scan`, the default command.
struct Scan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "Scan models and report what they would do when loaded. (default)")

  @OptionGroup var targets: TargetOptions

  @Option(
    name: .customLong("format"),
    help: ArgumentHelp("How to write the report: \(ReportPlan.names). Repeatable.", valueName: "format"),
    completion: .list(ReporterList.all.map { $0.name }))
  var formats: [String] = []

  @Option(
    name: .customLong("output"),
    help: ArgumentHelp("Write to a file; FORMAT=FILE for one of several formats. Repeatable.", valueName: "file"),
    completion: .file())
  var outputs: [String] = []

  @Option(help: ArgumentHelp("Least severity that fails the run.", valueName: "severity"))
  var failOn: FailOn?

  @OptionGroup var ruleOptions: RuleOptions

  @Option(
    help: ArgumentHelp(
      "Configuration; otherwise the first .mscan.yaml above the folder of the first PATH.", valueName: "file"),
    completion: .file())
  var config: String?

  @Option(
    help: ArgumentHelp("An earlier JSON report; what it holds is marked as known.", valueName: "file"),
    completion: .file())
  var baseline: String?

  @Option(help: ArgumentHelp("Leave out findings of a rule. Repeatable.", valueName: "rule"))
  var ignore: [String] = []

  @Option(help: ArgumentHelp("Report findings of this rule alone. Repeatable.", valueName: "rule"))
  var select: [String] = []

  @OptionGroup(title: "Limits") var limits: LimitOptions

  @Flag(help: "Do not count files on the terminal.") var noProgress = false

  @Option(help: ArgumentHelp("auto, always or never.", valueName: "when")) var color: ColorChoice = .auto

  @Flag(name: .shortAndLong, help: "Findings and verdict only.") var quiet = false

  func run() throws {
    let plan = try ReportPlan(formats: formats, outputs: outputs)
    for (option, file) in [("--config", config), ("--baseline", baseline)] {
      if let file { try Self.requireFile(file, option) }
    }
    for directory in ruleOptions.directories { try Self.requireFolder(directory, "--rules") }
    try Terminal.run { try scan(plan) }
  }

  private func scan(_ plan: ReportPlan) throws -> ExitStatus {
    let paths = try targets.expanded()
    let configuration = try findConfiguration(paths)
    let rules = try RuleLibrary.loadOrFail(adding: configuration.rules + ruleOptions.directories)
    let policy = try policy(configuration, rules: rules, paths: paths)
    let bounds = limits.limits
    let files = try plan.open()
    let own = files.compactMap { $0?.identity } + [ByteOutput.standardOutput.identity].compactMap { $0 }
    let found = Discovery(limits: bounds, exclude: configuration.exclude).targets(of: paths)
    let progress = Progress(total: found.count, wanted: !noProgress && !quiet)
    let scanner = Scanner(limits: bounds, jobs: targets.jobs ?? RunningProcess.cores, skip: Set(own))
    let report = scanner.scan(found, rules: rules, policy: policy) { progress?.update($0) }
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

  static func requireFolder(_ path: String, _ option: String) throws {
    let kind = (try? FileStatus(of: SystemPath(path), followLinks: true))?.kind
    guard kind == .folder || kind == .file else {
      throw ValidationError("\(option): '\(path)' does not exist.")
    }
  }
}
