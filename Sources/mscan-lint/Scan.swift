import ArgumentParser

/// `scan`, the default command.
struct Scan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "Scan models and report what they would do when loaded. (default)")

  @OptionGroup var targets: TargetOptions

  @OptionGroup var report: ReportOptions

  @OptionGroup var ruleOptions: RuleOptions

  @Option(
    help: ArgumentHelp("An earlier JSON report; what it holds is marked as known.", valueName: "file"),
    completion: .file())
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "Report findings of this rule alone; or, with the name of a group, such as quality, of its rules too. Repeatable.",
      valueName: "rule"))
  var select: [String] = []

  @OptionGroup(title: "Provenance") var provenance: ProvenanceOptions

  @OptionGroup(title: "Lineage") var registryOptions: RegistryOptions

  @OptionGroup(title: "Limits") var limits: LimitOptions

  func run() throws {
    var request = ScanRequest(paths: targets.paths)
    report.apply(to: &request)
    request.rules = ruleOptions.directories
    request.baseline = baseline
    request.select = select
    provenance.apply(to: &request)
    request.registries = registryOptions.registry
    request.advisories = registryOptions.advisories
    request.limits = limits.limits
    request.jobs = targets.jobs
    try request.run()
  }
}
