import MScanFacts

/// Files that tools find by their name, and what they are.
enum RepositoryNames {
  /// Whole names, in lower case.
  private static let names: [String: String] = [
    "mlmodel": "yaml", "mlproject": "yaml", ".gitattributes": "gitattributes", ".gitmodules": "gitconfig",
    ".gitconfig": "gitconfig",
    "makefile": "makefile", "gnumakefile": "makefile", "bsdmakefile": "makefile", "dockerfile": "dockerfile",
    "containerfile": "dockerfile", "modelfile": "modelfile", ".envrc": "shell", ".bashrc": "shell",
    ".bash_profile": "shell", ".profile": "shell", ".zshrc": "shell", ".zshenv": "shell", "pipfile": "toml",
    "pyproject.toml": "toml", "cargo.toml": "toml", "setup.cfg": "ini", "tox.ini": "ini", ".env": "ini",
    "autorun.inf": "shortcut",
    "desktop.ini": "shortcut", "config.pbtxt": "triton", "checkpoint": CheckpointStateFormat.id,
    "merges.txt": "bpe-merges", "vocab.txt": "word-list",
  ].merging(agentFiles.map { ($0, MarkdownFormat.id) }) { first, _ in first }

  /// Files whose text agents take for orders, by the name alone; in lower case.
  private static let agentFiles: Set<String> = [
    "agents.md", "agent.md", "claude.md", "claude.local.md", "gemini.md", "skill.md", "copilot-instructions.md",
    ".cursorrules", ".windsurfrules", ".clinerules", ".roorules", ".goosehints", ".junie-guidelines.md", "llms.txt",
    "llms-full.txt",
  ]

  /// Whether agents take what the file says for orders.
  static func isForAgents(_ name: String) -> Bool {
    let name = name.lowercased()
    return agentFiles.contains(name) || [".mdc", ".instructions.md", ".prompt.md"].contains { name.hasSuffix($0) }
  }

  /// What follows the last dot, in lower case.
  private static let endings: [String: String] = [
    "sh": "shell", "bash": "shell", "zsh": "shell", "ksh": "shell", "command": "shell", "mk": "makefile",
    "mak": "makefile", "dockerfile": "dockerfile", "modelfile": "modelfile", "bat": "batch", "cmd": "batch",
    "ps1": "powershell", "psm1": "powershell", "psd1": "powershell", "vbs": "windows-script", "vbe": "windows-script",
    "wsf": "windows-script", "hta": "windows-script", "applescript": "apple-script", "html": "html", "htm": "html",
    "xhtml": "html", "svg": "html", "js": "javascript", "mjs": "javascript", "cjs": "javascript",
    "desktop": "shortcut", "url": "shortcut", "ipynb": "notebook", "mdc": "markdown",
    "toml": "toml",
  ]

  private static let stems: [String: String] = [
    "dockerfile": "dockerfile", "makefile": "makefile", "modelfile": "modelfile",
  ]

  /// What a text of that name is read as; nil when the name says nothing here.
  ///
  /// - Parameter name: last component of a path.
  static func format(of name: String) -> String? {
    let name = name.lowercased()
    if let known = names[name] { return known }
    guard let dot = name.utf8.lastIndex(of: 0x2e) else { return nil }
    let ending = name[name.utf8.index(after: dot)...]
    if ending == "txt" || ending == "in" || ending == "pip" {
      let stem = name[..<dot]
      return stem.contains("requirements") || stem == "constraints" ? RequirementsFormat.id : nil
    }
    if let known = endings[String(ending)] { return known }
    return stems[String(name.prefix { $0 != "." })]
  }

  /// Formats that are text, each with a reader but for those that are only told.
  static let formats: Set<String> = [
    "gitattributes", "gitconfig", "makefile", "dockerfile", "modelfile", "shell", "toml", "ini", "shortcut", "triton",
    CheckpointStateFormat.id,
    "batch", "powershell", "windows-script", "apple-script", "html", "javascript", "notebook", "requirements",
    "site-path", "bpe-merges", "word-list",
  ]

  /// Those that no reader looks into; rules tell of them.
  static let unread: Set<String> = ["windows-script", "apple-script", "javascript"]

  static let readers: [any Format.Type] = [
    BatchFormat.self, DockerfileFormat.self, GitAttributesFormat.self, GitConfigFormat.self, HTMLFormat.self,
    INIFormat.self, MakefileFormat.self, ModelfileFormat.self, NotebookFormat.self, PowerShellFormat.self,
    RequirementsFormat.self, ShellFormat.self, ShortcutFormat.self, SitePathFormat.self, TOMLFormat.self,
    TritonFormat.self, CheckpointStateFormat.self,
  ]

  /// What a text is by its first line or its shape, when its name says nothing, or says that a loader takes it.
  ///
  /// - Parameter ending: of its name, in lower case.
  static func format(ofText head: [UInt8], ending: String, name: String) -> String? {
    if head.starts(with: [0x23, 0x21]) { return interpreter(head) }
    let start = String(decoding: head.drop { $0 <= 0x20 }.prefix(64), as: UTF8.self).lowercased()
    if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") || start.hasPrefix("<script") { return "html" }
    if start.hasPrefix("[desktop entry]") || start.hasPrefix("[internetshortcut]") { return "shortcut" }
    if name.lowercased() == "config", start.hasPrefix("[") { return GitConfigFormat.id }
    return ending == "pth" ? SitePathFormat.id : nil
  }

  /// `#!/usr/bin/env bash`: the format of what the program named there reads.
  private static func interpreter(_ head: [UInt8]) -> String? {
    let line = String(decoding: head.dropFirst(2).prefix { $0 != 0x0a }.prefix(256), as: UTF8.self)
    let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
    for word in words {
      let program = word.split(separator: "/").last.map(String.init) ?? ""
      if program == "env" || program.hasPrefix("-") || program.contains("=") { continue }
      if program.hasSuffix("sh") && program != "pwsh" { return ShellFormat.id }
      if program.hasPrefix("python") || program.hasPrefix("pypy") { return "python" }
      if program.hasPrefix("make") { return MakefileFormat.id }
      if program == "pwsh" { return PowerShellFormat.id }
      if program.hasPrefix("node") || program == "deno" || program == "bun" { return "javascript" }
      if program == "osascript" { return "apple-script" }
      return ShellFormat.id
    }
    return ShellFormat.id
  }
}
