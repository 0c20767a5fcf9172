import MScanBytes
import MScanFacts

/// Walks the commands of a shell text and states each, and how it stands to others: what is piped into what, what is
/// run inside what, and which command made the file that another one runs. It judges no name.
struct ShellReader {
  /// A text to walk: bytes of the artifact, or the words of an argument that a shell is given.
  private struct Part {
    var bytes: [UInt8]
    var range: Range<Int>
    /// Where its facts lie in the artifact when its bytes are not the artifact's.
    var place: Range<Int>?
    /// The commands that it is part of.
    var outer: [String]
    var depth: Int
    /// What reads it.
    var dialect: ShellDialect
  }

  private struct Command {
    var words: [ShellWord] = []
    var names: [String] = []
    var range: Range<Int> = 0..<0
  }

  private static let depthLimit = 8
  private static let stageLimit = 8
  /// Stages held at one time; a longer pipeline is stated in pieces that overlap.
  private static let pipelineLimit = 64
  private static let wordLimit = 512

  /// Of the part that is walked.
  private var dialect: ShellDialect
  private let scope: String
  private var parts: [Part] = []
  /// File names that a command was given, and the first command that was.
  private var files: [String: String] = [:]
  private var commandsLeft: Int
  /// The last commands since a bracket opened.
  private var recent: [Command] = []
  /// How many commands at the head of the pipeline come from a group.
  private var groupCount = 0

  init(_ dialect: ShellDialect, scope: String = "", limits: Limits) {
    self.dialect = dialect
    self.scope = scope
    commandsLeft = limits.shellCommands
  }

  /// - Parameter transformed: bytes to read in place of the text's own, of the same count.
  mutating func read(
    _ range: Range<Int>, of text: inout RepositoryText, transformed: [UInt8]? = nil, into sink: inout FactBuffer
  ) {
    parts = [Part(bytes: transformed ?? text.bytes, range: range, place: nil, outer: [], depth: 0, dialect: dialect)]
    while let part = parts.popLast() {
      dialect = part.dialect
      guard walk(part, &text, into: &sink) else {
        text.emit(
          .anomaly(
            AnomalyFact(
              subject: "limit.shellCommands", field: "command", detail: "further commands are not read",
              incomplete: true)), range, into: &sink)
        return
      }
    }
  }

  // MARK: Parts

  private mutating func walk(_ part: Part, _ text: inout RepositoryText, into sink: inout FactBuffer) -> Bool {
    var lexer = ShellLexer(part.bytes, part.range, dialect)
    var pipeline: [Command] = []
    var command = Command()
    var hereDocuments: [String] = []
    recent.removeAll()
    // Looking for end words that never come must not cost a square.
    var searchLeft = 4 * part.range.count + 4096
    while let token = lexer.next() {
      switch token {
      case .word(let word):
        if word.isHereDocument { hereDocuments.append(word.text) }
        if command.words.count < Self.wordLimit { command.words.append(word) }
      case .opening:
        finish(&command, part, into: &pipeline)
        guard state(&pipeline, part, &text, into: &sink) else { return false }
        recent.removeAll()
      case .pipe:
        finish(&command, part, into: &pipeline)
        // What is piped out of a group or a loop are the commands in it.
        if pipeline.last?.names.isEmpty ?? true {
          pipeline = recent
          groupCount = recent.count
        }
        if pipeline.count >= Self.pipelineLimit {
          guard state(&pipeline, part, &text, into: &sink) else { return false }
          pipeline = recent
          groupCount = recent.count
        }
      case .separator(let isLineEnd):
        // A pipe goes on behind the end of its line.
        if isLineEnd, command.words.isEmpty, !pipeline.isEmpty, hereDocuments.isEmpty { continue }
        finish(&command, part, into: &pipeline)
        guard state(&pipeline, part, &text, into: &sink) else { return false }
        if isLineEnd, !hereDocuments.isEmpty {
          for word in hereDocuments.prefix(16) where searchLeft > 0 {
            let body = Self.hereDocument(part.bytes, from: lexer.at, to: part.range.upperBound, word)
            push(part.bytes, body.text, part, place: part.place, outer: part.outer)
            searchLeft -= body.end > lexer.at ? body.end - lexer.at : part.range.upperBound - lexer.at
            lexer.skip(to: body.end)
          }
          hereDocuments.removeAll()
        }
      }
    }
    finish(&command, part, into: &pipeline)
    return state(&pipeline, part, &text, into: &sink)
  }

  /// The lines up to the one that is `word` alone.
  private static func hereDocument(
    _ bytes: [UInt8], from start: Int, to end: Int, _ word: String
  ) -> (text: Range<Int>, end: Int) {
    let mark = Array(word.utf8)
    var at = start
    while at < end {
      let stop = bytes[at..<end].firstIndex(of: 0x0a) ?? end
      let line = bytes[at..<stop].drop { $0 == 0x09 || $0 == 0x20 }
      if line.elementsEqual(mark) || line.elementsEqual(mark + [0x0d]) { return (start..<at, min(stop + 1, end)) }
      at = stop + 1
    }
    return (start..<start, start)
  }

  private mutating func push(
    _ bytes: [UInt8], _ range: Range<Int>, _ part: Part, place: Range<Int>?, outer: [String],
    dialect: ShellDialect? = nil
  ) {
    guard part.depth < Self.depthLimit, !range.isEmpty else { return }
    parts.append(
      Part(
        bytes: bytes, range: range, place: place, outer: outer, depth: part.depth + 1,
        dialect: dialect ?? part.dialect))
  }

  // MARK: Commands

  private mutating func finish(_ command: inout Command, _ part: Part, into pipeline: inout [Command]) {
    defer { command = Command() }
    guard let first = command.words.first, let last = command.words.last else { return }
    command.range = first.range.lowerBound..<last.range.upperBound
    command.names = names(of: command.words)
    for word in command.words {
      for inner in word.substitutions {
        push(part.bytes, inner, part, place: part.place, outer: command.names)
      }
    }
    let place = part.place ?? command.range
    for text in scripts(in: command) {
      let bytes = Array(text.utf8)
      push(bytes, 0..<bytes.count, part, place: place, outer: [])
    }
    if let text = powerShell(in: command) {
      let bytes = Array(text.utf8)
      push(bytes, 0..<bytes.count, part, place: place, outer: [], dialect: .powershell)
    }
    pipeline.append(command)
  }

  /// The command's name and, where it runs another one, that one's: `sudo -u x bash` is `sudo` and `bash`.
  private func names(of words: [ShellWord]) -> [String] {
    var found: [String] = []
    var takesModule = false
    // Words still to come that may be a command's name: behind `-u` stands its value, or the command.
    var openings = 0
    for word in words where !word.isRedirection {
      let text = word.text
      let isPython = found.last?.hasPrefix("python") == true
      if takesModule { return found + [text] }
      if found.isEmpty {
        if isAssignment(text) || Self.keywords.contains(text) { continue }
        found.append(commandName(text))
        openings = Self.carriers.contains(found.last ?? "") ? 1 : 0
      } else if text.hasPrefix("-") {
        takesModule = text == "-m" && isPython
        if openings > 0, text.utf8.count == 2 { openings = min(openings + 1, 3) }
      } else if openings > 0 {
        if isAssignment(text) || text.utf8.first.map({ (0x30...0x39).contains($0) }) == true { continue }
        found.append(commandName(text))
        openings = Self.carriers.contains(found.last ?? "") ? 1 : openings - 1
      } else {
        return found
      }
      if openings == 0, found.last?.hasPrefix("python") != true || found.count == 6 { return found }
    }
    return found
  }

  private static let keywords: Set<String> = [
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "}", "case", "esac", "for",
    "function", "coproc",
  ]

  /// Commands of POSIX and GNU systems whose first operand is a command.
  private static let carriers: Set<String> = [
    "sudo", "doas", "env", "nohup", "exec", "command", "builtin", "time", "timeout", "nice", "ionice", "xargs",
    "setsid",
    "stdbuf", "busybox", "watch", "strace", "call", "start",
  ]

  private func isAssignment(_ text: String) -> Bool {
    guard let sign = text.utf8.firstIndex(of: 0x3d), sign > text.startIndex else { return false }
    return text.utf8[..<sign].allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
        || $0 == 0x2b
    }
  }

  /// The last step of a path.
  private func baseName(_ text: String) -> String {
    text.utf8.split { $0 == 0x2f || $0 == 0x5c && !dialect.isPosix }.last.map { String(Substring($0)) } ?? ""
  }

  private func commandName(_ text: String) -> String {
    // What is run is what another command prints.
    if text.hasPrefix("$(") || text.hasPrefix("`") { return "$()" }
    let found = baseName(text)
    let base = found.isEmpty ? text : found
    if dialect.isPosix { return base == "." ? "source" : base }
    var name = base.lowercased()
    while name.hasPrefix("@") { name.removeFirst() }
    return name.hasSuffix(".exe") ? String(name.dropLast(4)) : name
  }

  /// Texts that the command hands to a shell: what follows `-c`, and what `eval` is given.
  private func scripts(in command: Command) -> [String] {
    guard dialect.isPosix else { return [] }
    let words = command.words.filter { !$0.isRedirection }.map(\.text)
    var found: [String] = []
    if command.names.contains("eval") { found.append(words.drop { $0 != "eval" }.dropFirst().joined(separator: " ")) }
    guard command.names.contains(where: { $0.hasSuffix("sh") || $0 == "su" }) else { return found }
    for (option, script) in zip(words, words.dropFirst())
    where option.hasPrefix("-") && !option.hasPrefix("--") && option.hasSuffix("c") {
      found.append(script)
    }
    return found
  }

  /// What PowerShell is given as a command, by an option or without one.
  private func powerShell(in command: Command) -> String? {
    guard command.names.contains(where: { ["powershell", "pwsh"].contains($0.lowercased()) }) else { return nil }
    let words = command.words.filter { !$0.isRedirection }.map(\.text)
    guard let at = words.firstIndex(where: { ["-c", "-command", "/c"].contains($0.lowercased()) }) else { return nil }
    return words[(at + 1)...].joined(separator: " ")
  }

  /// What Python is given as a program.
  private func python(in command: Command) -> String? {
    guard command.names.contains(where: { $0.hasPrefix("python") || $0.hasPrefix("pypy") || $0 == "py" }) else {
      return nil
    }
    let words = command.words.filter { !$0.isRedirection }.map(\.text)
    guard let at = words.firstIndex(where: { $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.hasSuffix("c") }) else {
      return nil
    }
    return at + 1 < words.count ? words[at + 1] : nil
  }

  // MARK: Facts

  private mutating func state(
    _ pipeline: inout [Command], _ part: Part, _ text: inout RepositoryText, into sink: inout FactBuffer
  ) -> Bool {
    defer {
      recent = (recent + pipeline.filter { !$0.names.isEmpty }).suffix(Self.stageLimit)
      pipeline.removeAll()
    }
    // Those of a group are stated already.
    let stated = groupCount
    groupCount = 0
    for (index, command) in pipeline.enumerated() where index >= stated && !command.names.isEmpty {
      guard commandsLeft > 0 else { return false }
      commandsLeft -= 1
      let place = part.place ?? command.range
      let arguments = arguments(of: command, limit: text.input.limits.argumentCharacters)
      for name in command.names {
        emit(name, arguments: arguments, place, &text, into: &sink)
        for outer in part.outer {
          emit(outer, domain: "substitution", node: name, arguments: arguments, place, &text, into: &sink)
        }
      }
      let stages = pipeline[max(0, index - Self.stageLimit)..<index]
      for source in stages {
        for (from, name) in source.names.flatMap({ from in command.names.map { (from, $0) } }) {
          emit(name, domain: "pipe", node: from, arguments: arguments, place, &text, into: &sink)
        }
      }
      stateFiles(of: command, arguments, place, &text, into: &sink)
      if let program = python(in: command) {
        let bytes = Array(program.utf8)
        sink.addChild(
          Artifact(
            name: "python -c", parent: text.input.index, rangeInParent: ByteRange(place.lowerBound, place.upperBound),
            encoding: .reading, format: "python", size: bytes.count),
          source: ByteSource(bytes), format: "python")
      }
    }
    return true
  }

  private func arguments(of command: Command, limit: Int) -> [String] {
    var left = limit
    var found: [String] = []
    // The name itself is stated apart.
    for word in command.words.dropFirst() {
      guard left > 0 else { break }
      let piece = YAMLWalk.bounded(word.text, left)
      // Options of Windows have no case.
      found.append(dialect.foldsNames && piece.hasPrefix("-") ? piece.lowercased() : piece)
      left -= piece.utf8.count + 2
    }
    return found
  }

  private mutating func stateFiles(
    of command: Command, _ arguments: [String], _ place: Range<Int>, _ text: inout RepositoryText,
    into sink: inout FactBuffer
  ) {
    guard let name = command.names.last else { return }
    for (index, word) in command.words.enumerated() {
      let full = word.text
      // `2>&1` goes to no file.
      if full.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { continue }
      let base = baseName(full)
      let isRun = index == 0 && (full.utf8.contains(0x2f) || !dialect.isPosix && full.utf8.contains(0x2e))
      if let maker = files[base], !word.isRedirection, maker != name || isRun {
        emit(name, domain: isRun ? "run-made" : "made", node: maker, arguments: [full], place, &text, into: &sink)
      }
      if word.isRedirection, !word.isHereDocument {
        emit(base.isEmpty ? full : base, domain: "redirect", node: name, arguments: [full], place, &text, into: &sink)
      }
      let isFile = index > 0 && !full.hasPrefix("-") && (base != full || base.utf8.contains(0x2e) || word.isRedirection)
      if isFile, !base.isEmpty, files.count < 4096, files[base] == nil { files[base] = name }
    }
  }

  private func emit(
    _ name: String, domain: String = "", node: String = "", arguments: [String], _ place: Range<Int>,
    _ text: inout RepositoryText, into sink: inout FactBuffer
  ) {
    text.emit(
      .operation(
        OperationFact(
          framework: dialect.framework, name: YAMLWalk.bounded(name, 128), domain: domain,
          node: YAMLWalk.bounded(node, 128), scope: scope, arguments: arguments)), place, into: &sink)
  }
}
