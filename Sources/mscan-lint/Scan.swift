import ArgumentParser
import MScanReports

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

  @Option(
    help: ArgumentHelp(
      "Report findings of this rule alone; or, with the name of a group, such as quality, of its rules too. Repeatable.",
      valueName: "rule"))
  var select: [String] = []

  @OptionGroup(title: "Provenance") var provenance: ProvenanceOptions

  @OptionGroup(title: "Lineage") var registryOptions: RegistryOptions

  @OptionGroup(title: "Limits") var limits: LimitOptions

  @Flag(help: "Do not count files on the terminal.") var noProgress = false

  @Option(help: ArgumentHelp("auto, always or never.", valueName: "when")) var color: ColorChoice = .auto

  @Flag(name: .shortAndLong, help: "Findings and verdict only.") var quiet = false

  func run() throws {
    var request = ScanRequest(paths: targets.paths)
    request.formats = formats
    request.outputs = outputs
    request.failOn = failOn
    request.rules = ruleOptions.directories
    request.config = config
    request.baseline = baseline
    request.ignore = ignore
    request.select = select
    provenance.apply(to: &request)
    request.registries = registryOptions.registry
    request.advisories = registryOptions.advisories
    request.limits = limits.limits
    request.jobs = targets.jobs
    request.noProgress = noProgress
    request.color = color
    request.quiet = quiet
    try request.run()
  }
}
