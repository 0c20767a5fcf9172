import ArgumentParser
import MScanBytes
import MScanEngine
import MScanRules
import Synchronization

/// `facts`: what the readers state, before any rule.
struct Facts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "facts", abstract: "Print what the files say, as JSON Lines, before any rule judges it.")

  @OptionGroup var targets: TargetOptions
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup var silent: SilentOptions

  func run() throws {
    try FactsRequest(paths: targets.paths, limits: limits.limits, jobs: targets.jobs).run()
  }
}

/// What `facts` was asked for.
struct FactsRequest {
  var paths: [String]
  var limits = Limits.standard
  var jobs: Int?

  private final class Failure: Sendable {
    let code = Mutex<Int32?>(nil)
  }

  func run() throws {
    try Terminal.run {
      let found = Discovery(limits: limits).targets(of: try PathList.expand(paths))
      let failure = Failure()
      let lines = FactLines(
        limits: limits, jobs: jobs ?? RunningProcess.cores,
        skip: Set([ByteOutput.standardOutput.identity].compactMap { $0 }),
        texts: try RuleLibrary.load().textInterest)
      let complete = lines.run(found) { bytes in
        do throws(ByteOutput.Failure) {
          try ByteOutput.standardOutput.write(bytes)
          return true
        } catch {
          if case .failed(let code) = error { failure.code.withLock { $0 = code } }
          return false
        }
      }
      if let code = failure.code.withLock({ $0 }) {
        throw RunFailure("standard output could not be written: \(FileSystem.message(for: code))")
      }
      return complete ? .clean : .incomplete
    }
  }
}
