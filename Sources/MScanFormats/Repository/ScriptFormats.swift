import MScanBytes
public import MScanFacts

/// A script of a POSIX shell.
public enum ShellFormat: Format {
  public static let id = "shell"
  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    ScriptFormats.read(input, id, .posix, into: &sink)
  }
}

/// A batch file of Windows.
public enum BatchFormat: Format {
  public static let id = "batch"
  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    ScriptFormats.read(input, id, .batch, into: &sink)
  }
}

/// A script of PowerShell.
public enum PowerShellFormat: Format {
  public static let id = "powershell"
  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    ScriptFormats.read(input, id, .powershell, into: &sink)
  }
}

enum ScriptFormats {
  static func read(_ input: ArtifactInput, _ id: String, _ dialect: ShellDialect, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    let mark = sink.facts.count
    var reader = ShellReader(dialect, limits: input.limits)
    reader.read(0..<text.bytes.count, of: &text, into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// A makefile: the recipes, and the `$(shell …)` that run while it is read. Source: GNU make's manual.
public enum MakefileFormat: Format {
  public static let id = "makefile"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    let mark = sink.facts.count
    var bytes = text.bytes
    var calls = unfoldVariables(&bytes)
    var recipe: Range<Int>?
    var isContinued = false
    var target = ""
    func flush() {
      if let range = recipe { run(range, "recipe " + target) }
      recipe = nil
    }
    func run(_ range: Range<Int>, _ scope: String) {
      var reader = ShellReader(.posix, scope: text.bounded(scope), limits: input.limits)
      reader.read(range, of: &text, transformed: bytes, into: &sink)
    }
    for line in text.lineRanges() {
      if !isContinued, !line.isEmpty, bytes[line.lowerBound] == 0x09 {
        // `@`, `-` and `+` tell make how to run the line.
        var at = line.lowerBound
        while at < line.upperBound, [0x09, 0x20, 0x40, 0x2d, 0x2b].contains(bytes[at]) {
          bytes[at] = 0x20
          at += 1
        }
        recipe = (recipe?.lowerBound ?? line.lowerBound)..<line.upperBound
      } else if isContinued, let open = recipe {
        recipe = open.lowerBound..<line.upperBound
      } else if !isContinued {
        flush()
        // `X != command` runs it while the file is read.
        if let sign = bytes[line].firstIndex(of: 0x21), sign + 1 < line.upperBound, bytes[sign + 1] == 0x3d,
          !bytes[line.lowerBound..<sign].contains(where: { [0x3a, 0x23, 0x3d, 0x22, 0x27].contains($0) })
        {
          recipe = (sign + 2)..<line.upperBound
          target = "!="
        } else if let colon = bytes[line].firstIndex(of: 0x3a), bytes[line].first != 0x23 {
          target = text.text(text.trimmed(line.lowerBound..<colon), limit: 64)
        }
      }
      isContinued = !line.isEmpty && bytes[line.upperBound - 1] == 0x5c
    }
    flush()
    calls.sort { $0.lowerBound < $1.lowerBound }
    for call in calls { run(call, "$(shell)") }
    sink.sortFacts(after: mark)
  }

  /// Turns make's `$(X)` into `${X}` and `$$` into ` $`, byte for byte, so that the rest reads as a shell reads it.
  ///
  /// - Returns: the texts of `$(shell …)`.
  private static func unfoldVariables(_ bytes: inout [UInt8]) -> [Range<Int>] {
    var calls: [Range<Int>] = []
    var open: [(isVariable: Bool, call: Int?)] = []
    let word = Array("shell".utf8)
    var at = 0
    while at < bytes.count {
      let next = at + 1 < bytes.count ? bytes[at + 1] : 0
      switch bytes[at] {
      case 0x24 where next == 0x24:
        bytes[at] = 0x20
        at += 1
        if at + 1 < bytes.count, bytes[at + 1] == 0x28 {
          open.append((false, nil))
          at += 1
        }
      case 0x24 where next == 0x28:
        bytes[at + 1] = 0x7b
        let isCall = bytes[(at + 2)...].starts(with: word)
        open.append((true, isCall ? min(at + 7, bytes.count) : nil))
        at += 1
      case 0x28: open.append((false, nil))
      case 0x29:
        if let closed = open.popLast(), closed.isVariable {
          bytes[at] = 0x7d
          if let start = closed.call, start <= at { calls.append(start..<at) }
        }
      case 0x0a:
        // What a line does not close, make does not either.
        if at == 0 || bytes[at - 1] != 0x5c { open.removeAll(keepingCapacity: true) }
      default: break
      }
      at += 1
    }
    return calls
  }
}

/// A recipe for an image: what it is built from, what it fetches and what it runs. Source: Docker's reference.
public enum DockerfileFormat: Format {
  public static let id = "dockerfile"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard var text = RepositoryText(input, format: id, into: &sink) else { return }
    let mark = sink.facts.count
    var instruction: Range<Int>?
    // One copy to change, whatever the number of instructions.
    var bytes = text.bytes
    for line in text.lineRanges() {
      let trimmed = text.trimmed(line)
      if trimmed.isEmpty || text.bytes[trimmed.lowerBound] == 0x23 { continue }
      let range = (instruction?.lowerBound ?? trimmed.lowerBound)..<trimmed.upperBound
      if text.bytes[trimmed.upperBound - 1] == 0x5c {
        instruction = range
        continue
      }
      take(range, &text, &bytes, into: &sink)
      instruction = nil
    }
    if let range = instruction { take(range, &text, &bytes, into: &sink) }
    sink.sortFacts(after: mark)
  }

  /// Instructions that run nothing and fetch nothing.
  private static let quiet: Set<String> = [
    "ARG", "COPY", "ENV", "EXPOSE", "LABEL", "MAINTAINER", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
  ]

  private static func take(
    _ range: Range<Int>, _ text: inout RepositoryText, _ bytes: inout [UInt8], into sink: inout FactBuffer
  ) {
    let end = bytes[range].firstIndex { RepositoryText.isBlank($0) } ?? range.upperBound
    let body = text.trimmed(end..<range.upperBound)
    let verb = text.text(range.lowerBound..<end, limit: 32).uppercased()
    let words = text.text(body).split { $0 == " " || $0 == "\t" }.map(String.init)
    let operands = words.filter { !$0.hasPrefix("--") }
    switch verb {
    case "RUN", "CMD", "ENTRYPOINT", "SHELL", "HEALTHCHECK", "ONBUILD": run(verb, body, &text, &bytes, into: &sink)
    case "FROM":
      if let image = operands.first {
        let parts = image.split(separator: "@", maxSplits: 1)
        text.reference(
          "docker.image", .repository, String(parts.first ?? ""), revision: parts.count > 1 ? String(parts[1]) : "",
          range, into: &sink)
      }
    case "ADD":
      for source in operands.dropLast() where source.contains("://") || source.hasPrefix("git@") {
        let pin = words.first { $0.hasPrefix("--checksum=") }.map { String($0.dropFirst("--checksum=".count)) }
        text.reference("docker.add", .url, source, revision: pin ?? "", range, into: &sink)
      }
    case _ where quiet.contains(verb): break
    // A line of a here-document, or of a newer syntax.
    default: run("RUN", range, &text, &bytes, into: &sink)
    }
  }

  private static func run(
    _ verb: String, _ body: Range<Int>, _ text: inout RepositoryText, _ bytes: inout [UInt8],
    into sink: inout FactBuffer
  ) {
    // `["sh", "-c", "x"]`: brackets and commas are no part of the words.
    if body.count > 1, bytes[body.lowerBound] == 0x5b, bytes[body.upperBound - 1] == 0x5d {
      bytes[body.lowerBound] = 0x20
      bytes[body.upperBound - 1] = 0x20
      var isQuoted = false
      for at in body {
        if bytes[at] == 0x22 { isQuoted.toggle() }
        if bytes[at] == 0x2c, !isQuoted { bytes[at] = 0x20 }
      }
    }
    // Options of the instruction itself stand before the command.
    var start = body.lowerBound
    while start + 1 < body.upperBound, bytes[start] == 0x2d, bytes[start + 1] == 0x2d {
      while start < body.upperBound, !RepositoryText.isBlank(bytes[start]) { start += 1 }
      while start < body.upperBound, RepositoryText.isBlank(bytes[start]) { start += 1 }
    }
    var reader = ShellReader(.posix, scope: verb, limits: text.input.limits)
    reader.read(start..<body.upperBound, of: &text, transformed: bytes, into: &sink)
  }
}
