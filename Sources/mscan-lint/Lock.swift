import ArgumentParser
import MScanBytes
import MScanEngine
import MScanFacts
import MScanProvenance

/// `lock`: what a model is now, for `verify` to hold against what it is later.
struct Lock: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lock", abstract: "Write \(LockfileRecord.name): hashes of a model's files, and what is inside them.",
    discussion: """
      'scan' and 'verify' check a lockfile that they find, and name each file that was added, removed or changed, and the \
      tensors and keys that changed in it.
      """)

  @Argument(help: ArgumentHelp("A folder, or one file.", valueName: "path"), completion: .file()) var path: String

  @Option(
    help: ArgumentHelp("Where to write it, '-' for standard output; otherwise into the folder.", valueName: "file"),
    completion: .file())
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Known bases, as 'fingerprint' writes them: parents are told by the weights too. Repeatable.", valueName: "file"),
    completion: .file())
  var registry: [String] = []

  @Option(help: ArgumentHelp("Threads; the default is one for each core.", valueName: "n")) var jobs: Int?

  @OptionGroup var ruleOptions: RuleOptions

  @OptionGroup(title: "Limits") var limits: LimitOptions

  @Flag(help: "Do not count on the terminal.") var noProgress = false

  @Flag(name: .shortAndLong, help: "Say nothing but what went wrong.") var quiet = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs has to be at least 1.") }
    if path.isEmpty { throw ValidationError("A PATH is empty.") }
  }

  func run() throws {
    try RuleOptions.require(path, "lock")
    try Terminal.run {
      let place = SystemPath(path)
      let isFolder = (try? FileStatus(of: place, followLinks: true))?.kind == .folder
      let rules = try RuleLibrary.loadOrFail(adding: ruleOptions.directories)
      let found = Discovery(limits: limits.limits).targets(of: [place]).map { target in
        var target = target
        // Names in a lockfile start at its own folder.
        if !isFolder { target.reported = place.lastComponent.description }
        return target
      }
      let folder = isFolder ? place : place.parent
      let destination = output ?? folder.appending(SystemPath(LockfileRecord.name)).description
      let progress = Progress(total: found.count, wanted: !noProgress && !quiet)
      var writer = LockWriter(limits: limits.limits, jobs: jobs ?? RunningProcess.cores)
      writer.lineage = try RegistryOptions.options(registries: registry, advisories: [])
      let outcome = writer.lock(found, isComplete: isFolder, rules: rules) { progress?.hashed($0) }
      progress?.clear()
      for item in outcome.unread { Terminal.warning("'\(item.file)' is not in the lockfile: \(item.detail)") }
      if destination == "-" {
        try Terminal.print(outcome.text)
      } else {
        do throws(OpenFile.Refusal) {
          try WholeFile.write(Array(outcome.text.utf8), to: destination)
        } catch {
          throw RunFailure("'\(destination)' \(error.explanation)")
        }
        if !quiet {
          Terminal.note("\(destination): \(outcome.files) files, \(outcome.bytes) bytes hashed")
        }
      }
      return outcome.unread.isEmpty ? .clean : .incomplete
    }
  }
}
