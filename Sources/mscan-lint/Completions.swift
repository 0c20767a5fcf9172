import ArgumentParser
import MScanEngine

/// `completions`: a script that teaches a shell this tool's commands and options.
struct Completions: ParsableCommand {
  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish
  }

  static let configuration = CommandConfiguration(
    commandName: "completions", abstract: "Print a completion script for a shell.",
    discussion: """
      bash: \(Tool.name) completions bash > ~/.local/share/bash-completion/completions/\(Tool.name)
      zsh:  \(Tool.name) completions zsh > "${fpath[1]}/_\(Tool.name)"
      fish: \(Tool.name) completions fish > ~/.config/fish/completions/\(Tool.name).fish
      """)

  @Argument(help: "bash, zsh or fish.") var shell: Shell

  func run() throws {
    try Terminal.run {
      let shell: CompletionShell =
        switch self.shell {
        case .bash: .bash
        case .zsh: .zsh
        case .fish: .fish
        }
      try Terminal.print(MscanLint.completionScript(for: shell) + "\n")
      return .clean
    }
  }
}
