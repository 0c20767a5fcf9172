import Glibc
import MScanBytes
import MScanRules

/// Compiles rule files into one Swift file: `embed-rules OUTPUT ROOT FILE…`.
///
/// Exits 1 with a line for each problem in the files, 2 when the output cannot be written, 64 without arguments.
@main
struct EmbedRules {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count >= 2 else { fail(["usage: embed-rules OUTPUT ROOT FILE…"], code: 64) }
    let folder = RuleFolder(root: arguments[1], files: Array(arguments[2...]))
    for warning in folder.diagnostics where warning.level == .warning { tell(warning.description) }
    do {
      let set = try RuleSet(compiling: folder)
      do {
        try WholeFile.write(Array(SwiftLiteral.file(for: set).utf8), to: arguments[0])
      } catch {
        fail(["\(arguments[0]): error: \(error.explanation)"], code: 2)
      }
    } catch {
      fail(
        error.diagnostics.map { "\($0.file):\($0.position.line):\($0.position.column): error: \($0.message)" }, code: 1)
    }
  }

  private static func tell(_ line: String) { WholeFile.write(Array((line + "\n").utf8), toDescriptor: 2) }

  private static func fail(_ lines: [String], code: Int32) -> Never {
    for line in lines { tell(line) }
    exit(code)
  }
}
