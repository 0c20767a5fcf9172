import ArgumentParser
import MScanReports

/// How a report is written, and what decides whether the run fails: of every command that reports findings.
struct ReportOptions: ParsableArguments {
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

  @Option(
    help: ArgumentHelp(
      "Configuration; otherwise the first .mscan.yaml above the folder of the first PATH.", valueName: "file"),
    completion: .file())
  var config: String?

  @Option(help: ArgumentHelp("Leave out findings of a rule. Repeatable.", valueName: "rule"))
  var ignore: [String] = []

  @Flag(help: "Do not count files on the terminal.") var noProgress = false

  @Option(help: ArgumentHelp("auto, always or never.", valueName: "when")) var color: ColorChoice = .auto

  @Flag(name: .shortAndLong, help: "Findings and verdict only.") var quiet = false

  func apply(to request: inout ScanRequest) {
    request.formats = formats
    request.outputs = outputs
    request.failOn = failOn
    request.config = config
    request.ignore = ignore
    request.noProgress = noProgress
    request.color = color
    request.quiet = quiet
  }
}
