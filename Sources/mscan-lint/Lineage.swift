import ArgumentParser
import MScanBytes
import MScanEngine
import MScanFacts
import MScanLineage
import MScanReports
import MScanRules

/// `lineage`: what models say they are made from, against what their weights say.
struct Lineage: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lineage", abstract: "Tell what models are made from: what they say, and what their weights say.",
    discussion: """
      Compares samples of the weights, a few hundred kilobytes of each model, with known bases: those of a registry \
      that 'fingerprint' wrote, and those among the PATHs.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, dot }

  @OptionGroup var targets: TargetOptions
  @OptionGroup var registryOptions: RegistryOptions
  @Option(help: ArgumentHelp("text, json or dot.", valueName: "format")) var format = Format.text
  @Option(help: ArgumentHelp("Least severity that fails the run.", valueName: "severity")) var failOn: FailOn?
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @Option(help: ArgumentHelp("auto, always or never.", valueName: "when")) var color: ColorChoice = .auto
  @OptionGroup var silent: SilentOptions

  func run() throws {
    try Terminal.run {
      let rules = try RuleLibrary.loadOrFail(adding: [])
      let found = Discovery(limits: limits.limits).targets(of: try PathList.expand(targets.paths))
      var scanner = Scanner(
        limits: limits.limits, jobs: targets.jobs ?? RunningProcess.cores,
        skip: Set([ByteOutput.standardOutput.identity].compactMap { $0 }))
      scanner.lineage = try registryOptions.options()
      var report = scanner.scan(found, rules: rules, policy: Policy())
      let own = Set(report.rules.filter { $0.kind == .lineage }.map(\.id))
      report.findings.removeAll { !own.contains($0.rule) }
      report.rules.removeAll { !own.contains($0.id) }
      switch format {
      case .text: try Terminal.print(LineageText.render(report, color: Terminal.wantsColor(color)))
      case .json: try Terminal.print(JSONReporter.render(report, style: ReportStyle()))
      case .dot: try Terminal.print(LineageText.dot(report.lineage))
      }
      return ExitStatus.of(report, failOn: (failOn ?? .medium).severity)
    }
  }
}

/// Known bases.
struct RegistryOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Known bases, as 'fingerprint' writes them. Repeatable.", valueName: "file"),
    completion: .file())
  var registry: [String] = []

  @Option(
    help: ArgumentHelp(
      "Known flaws of models, in the shape of OSV: a file or a folder. Repeatable.", valueName: "file"),
    completion: .file())
  var advisories: [String] = []

  func options() throws -> LineageOptions { try Self.options(registries: registry, advisories: advisories) }

  static func options(registries: [String], advisories: [String]) throws -> LineageOptions {
    var options = LineageOptions()
    for path in advisories {
      do throws(RegistryFile.Failure) {
        options.advisories += try AdvisoryFile.read(SystemPath(path))
      } catch {
        throw RunFailure("--advisories: \(error.message)")
      }
    }
    for path in registries {
      do throws(RegistryFile.Failure) {
        options.registries.append(try RegistryStore.open(SystemPath(path)))
      } catch {
        throw RunFailure("--registry: \(error.message)")
      }
    }
    return options
  }
}

/// `fingerprint`: adds known bases to a registry.
struct FingerprintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fingerprint", abstract: "Add known bases to a registry, for 'lineage' to compare models with.",
    discussion: """
      The registry takes about two kilobytes of a model. Beside it, in a file of the same name with '.values' added, \
      samples of the weights are kept, some hundred kilobytes of a model, which tell how a derivative was made.
      """)

  @OptionGroup var targets: TargetOptions
  @Option(
    help: ArgumentHelp("The registry; it is made when there is none.", valueName: "registry"), completion: .file())
  var output: String
  @Option(
    help: ArgumentHelp(
      "Name of the model; otherwise a hub cache's id, else the last two parts of its path.", valueName: "org/name"))
  var name: String?
  @Flag(help: "Keep no values: the registry tells families only.") var signsOnly = false
  @Flag(help: "Hash the weights, so that lockfiles can name a parent by its bytes.") var hash = false
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @Flag(name: .shortAndLong, help: "Say nothing.") var quiet = false
  @OptionGroup var silent: SilentOptions

  func validate() throws {
    if let name, ModelName.normalised(name) == nil {
      throw ValidationError("--name: '\(name)' is no model name; write org/name.")
    }
    if output.isEmpty { throw ValidationError("--output: the registry has no name.") }
  }

  func run() throws {
    try Terminal.run {
      let found = Discovery(limits: limits.limits).targets(of: try PathList.expand(targets.paths))
      var fingerprinter = Fingerprinter(limits: limits.limits, jobs: targets.jobs ?? RunningProcess.cores)
      fingerprinter.keepsValues = !signsOnly
      fingerprinter.hashes = hash
      let result: (added: [Fingerprinter.Added], leftOut: [String])
      do throws(RegistryFile.Failure) {
        result = try fingerprinter.add(found, name: name, to: SystemPath(output))
      } catch {
        throw RunFailure(error.message)
      }
      if quiet { return .clean }
      for note in result.leftOut { Terminal.note(note) }
      var text = ""
      for base in result.added {
        text +=
          "\(base.isReplaced ? "replaced" : "added") \(base.name): \(base.layers) layers, \(base.tensors) tensors, "
        text += "\(base.recordBytes) bytes\(base.valueBytes > 0 ? " and \(base.valueBytes) of values" : "")\n"
      }
      try Terminal.print(text)
      return .clean
    }
  }
}
