import ArgumentParser
import Glibc
import MScanBytes
import MScanEngine

/// The tool: what to run is decided here, and nothing else.
@main
struct MscanLint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Tool.name,
    abstract: "Tells what a model file would do before anything loads it.",
    discussion: """
      Reads pickles, PyTorch archives, safetensors and model configurations without loading them, and names what \
      would run, what is hidden and what could not be read.

      Exit codes: 0 nothing found, 1 findings at or above --fail-on, 2 something could not be read, 64 wrong usage.
      """,
    version: Tool.version,
    subcommands: [
      Scan.self, Verify.self, Lock.self, Facts.self, Lineage.self, FingerprintCommand.self, Rules.self, Explain.self,
      Completions.self,
    ],
    defaultSubcommand: Scan.self)

  static func main() {
    RunningProcess.ignoreBrokenPipes()
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard let run = PlainArguments.command(arguments) else { return main(arguments) }
    do {
      try run()
    } catch let code as ExitCode {
      Glibc.exit(code.rawValue)
    } catch {
      exit(withError: error)
    }
  }
}
