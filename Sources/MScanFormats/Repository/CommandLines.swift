import MScanBytes
public import MScanFacts

/// Commands that fetch and run in one line, in files of whatever tool: recipes, units, tables of jobs, settings of
/// editors, sources in a language that has no reader here. Which program starts the line does not matter; that an
/// address stands in it does, and what its output goes to.
///
/// Facts: the operation `line.pipe.…` or `line.substitution.…`, by the program that gets the output; `node` is the first
/// word it is given that is no option, the argument is the line.
public enum CommandLines {
  /// Formats that are read as nothing else that would state a command, or only in part.
  public static let formats: Set<String> = [
    "text", "yaml", "toml", "ini", "json", "xml", "javascript", "apple-script",
  ]

  /// What is looked at before and behind an address. Bytes; 4096: no command that people write is as long.
  private static let reach = 4096
  /// What is read at a time. Bytes; 1 MiB.
  private static let chunk = 1 << 20

  /// What people read, who copy commands out of it; whole words before the first dot, and endings.
  private static let proseStems: Set<String> = [
    "readme", "install", "changelog", "changes", "history", "news", "authors", "contributing", "license", "licence",
    "notice", "copying", "todo", "faq",
  ]
  private static let proseEndings: Set<String> = [
    "txt", "rst", "adoc", "asciidoc", "org", "log", "csv", "tsv", "json", "jsonl", "po", "srt", "vtt", "lock", "bib",
  ]

  /// Searches a text, a stretch at a time. Lines that other artifacts were made of are left to those.
  public static func search(_ input: ArtifactInput, into sink: inout FactBuffer) {
    guard !isProse(input.name) else { return }
    var inner: [ByteRange] = []
    for child in sink.children {
      guard let row = sink.artifacts[child.index], row.parent == input.index, let range = row.rangeInParent else {
        continue
      }
      inner.append(range)
    }
    inner.sort { ($0.start, $0.end) < ($1.start, $1.end) }
    var search = CommandSearch(input: input, inner: inner, left: input.limits.shellCommands)
    var start = 0
    var buffer: [UInt8] = []
    while start < input.source.count, search.left > 0 {
      guard input.source.read(at: start, count: chunk, into: &buffer) > 0 else { return }
      var end = buffer.count
      // A line that the stretch cuts is read with the next one, unless it is too long for any.
      if start + end < input.source.count, let last = buffer.lastIndex(of: 0x0a) { end = last + 1 }
      search.run(buffer, end, at: start, reach, into: &sink)
      start += end
    }
    guard search.left <= 0 else { return }
    sink.emit(
      .anomaly(
        AnomalyFact(
          subject: "limit.shellCommands", field: "command", detail: "further commands are not read", incomplete: true)),
      artifact: input.index, range: ByteRange(0, input.source.count), place: .whole)
  }

  private static func isProse(_ name: String) -> Bool {
    let parts = name.lowercased().split(separator: ".", omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last else { return false }
    if last == "json" { return !["composer", "deno"].contains(first) }
    if first == "cmakelists" { return false }
    return proseStems.contains(String(first)) || parts.count > 1 && proseEndings.contains(String(last))
  }
}

/// Goes from address to address. Every byte is looked at a fixed number of times, however many there are.
private struct CommandSearch {
  let input: ArtifactInput
  /// Ranges that other artifacts were made of, in order.
  let inner: [ByteRange]
  private var passed = 0
  /// Commands that may still be told of.
  var left: Int
  /// Line of the next byte.
  private var line = 1

  init(input: ArtifactInput, inner: [ByteRange], left: Int) {
    (self.input, self.inner, self.left) = (input, inner, left)
  }

  /// Searches the lines of a stretch, up to `end`.
  mutating func run(_ buffer: [UInt8], _ end: Int, at start: Int, _ reach: Int, into sink: inout FactBuffer) {
    let bytes = buffer.span
    var current = CommandLine(buffer, 0..<0)
    var counted = 0
    var pipe = bytes.first(0x7c, from: 0)
    // The next bracket and the next backquote, the last of them before the address, and the last that was told.
    var (bracket, quote) = (bytes.first(0x28, from: 0), bytes.first(0x60, from: 0))
    var (opening, told) = (-1, -1)
    var at = bytes.first(0x3a, from: 0)
    while at < end, left > 0 {
      guard at + 2 < end, bytes[at + 1] == 0x2f, bytes[at + 2] == 0x2f else {
        at = bytes.first(0x3a, from: at + 1)
        continue
      }
      if at >= current.range.upperBound {
        current = CommandLine(buffer, Self.line(around: at, in: bytes, from: current.range.upperBound, to: end))
        line += bytes.lineEnds(from: counted, to: current.range.lowerBound).count
        counted = current.range.lowerBound
      }
      let outside = afterInner(start + at)
      if outside > start + at {
        at = bytes.first(0x3a, from: outside - start)
        continue
      }
      if pipe < at { pipe = bytes.first(0x7c, from: at) }
      while bracket < at {
        if bracket > 0, bytes[bracket - 1] == 0x24 || bytes[bracket - 1] == 0x3c { opening = bracket }
        bracket = bytes.first(0x28, from: bracket + 1)
      }
      while quote < at {
        opening = max(opening, quote)
        quote = bytes.first(0x60, from: quote + 1)
      }
      let window = max(current.range.lowerBound, at - reach)..<min(current.range.upperBound, at + reach)
      var last = at + 3
      if pipe < window.upperBound {
        let (commands, end) = current.pipes(from: pipe, to: window.upperBound)
        last = max(last, end)
        tell(commands, current, start, into: &sink)
      }
      if opening >= window.lowerBound, opening != told {
        told = opening
        tell(current.substitution(at: opening).map { [$0] } ?? [], current, start, into: &sink)
      }
      at = bytes.first(0x3a, from: last)
    }
    line += bytes.lineEnds(from: counted, to: end).count
  }

  /// The line that `at` is in, with those that it goes on in.
  private static func line(around at: Int, in bytes: Span<UInt8>, from: Int, to end: Int) -> Range<Int> {
    var first = at
    while first > from, bytes[first - 1] != 0x0a { first -= 1 }
    var stop = bytes.first(0x0a, from: at)
    while stop < end, isContinued(bytes, stop) { stop = bytes.first(0x0a, from: stop + 1) }
    return first..<min(stop, end)
  }

  /// Whether a backslash stands before the end of a line.
  private static func isContinued(_ bytes: Span<UInt8>, _ end: Int) -> Bool {
    let before = end > 0 && bytes[end - 1] == 0x0d ? end - 2 : end - 1
    return before >= 0 && bytes[before] == 0x5c
  }

  /// Where to go on when `offset` is in an artifact of its own; else `offset`.
  private mutating func afterInner(_ offset: Int) -> Int {
    while passed < inner.count, inner[passed].end <= offset { passed += 1 }
    guard passed < inner.count, inner[passed].start <= offset else { return offset }
    return inner[passed].end
  }

  private mutating func tell(
    _ commands: [CommandLine.Command], _ line: CommandLine, _ start: Int, into sink: inout FactBuffer
  ) {
    guard !commands.isEmpty, !line.isComment else { return }
    let text = YAMLWalk.bounded(line.text, input.limits.argumentCharacters)
    for command in commands where left > 0 {
      left -= 1
      sink.emit(
        .operation(
          OperationFact(
            framework: "line", name: command.name, node: YAMLWalk.bounded(command.operand, 80), arguments: [text])),
        artifact: input.index, range: ByteRange(start + line.range.lowerBound, start + line.range.upperBound),
        place: .line(self.line, column: line.column, path: nil))
    }
  }
}

/// A line of a text.
private struct CommandLine {
  struct Command {
    var name: String
    /// The first word that the program is given and that is no option.
    var operand: String
  }

  private let bytes: [UInt8]
  let range: Range<Int>

  init(_ bytes: [UInt8], _ range: Range<Int>) { (self.bytes, self.range) = (bytes, range) }

  /// Offset of the first byte that is no blank.
  private var first: Int { bytes[range].firstIndex { $0 > 0x20 } ?? range.upperBound }

  var isComment: Bool { Self.isComment(bytes[first..<range.upperBound].prefix(16)) }

  private static func isComment(_ line: ArraySlice<UInt8>) -> Bool {
    let start = String(decoding: line.prefix(4), as: UTF8.self).lowercased()
    if ["#", "//", "--", ";", "%", "<!--", "rem ", "/*"].contains(where: { start.hasPrefix($0) }) { return true }
    // A line of a comment; five stars are a table of jobs.
    guard start.hasPrefix("* "), !start.hasPrefix("* *") else { return false }
    return !(line.dropFirst(2).first.map { (0x30...0x39).contains($0) } ?? false)
  }

  var text: String { String(decoding: bytes[first..<range.upperBound].prefix(1024), as: UTF8.self) }

  /// From 1.
  var column: Int { first - range.lowerBound + 1 }

  /// What the output goes to, from pipe to pipe, and where to go on.
  func pipes(from start: Int, to end: Int) -> (commands: [Command], end: Int) {
    var found: [Command] = []
    var pipe = start
    while true {
      let at = pipe + 1
      // `||` is none.
      if at < end, bytes[at] == 0x7c { return (found, at + 1) }
      let target = Self.words(bytes[min(at, end)..<end])
      if let program = target.first {
        found.append(Command(name: "pipe." + Self.base(program), operand: Self.operand(target)))
      }
      guard at < end, let next = bytes[at..<end].firstIndex(of: 0x7c) else { return (found, at) }
      pipe = next
    }
  }

  /// The command that is given what stands in a bracket.
  func substitution(at opening: Int) -> Command? {
    var end = bytes[opening] == 0x28 ? opening - 1 : opening
    let least = max(range.lowerBound, end - 256)
    while end > least, bytes[end - 1] <= 0x20 || bytes[end - 1] == 0x22 || bytes[end - 1] == 0x5c { end -= 1 }
    var start = end
    while start > least, !Self.isEdge(bytes[start - 1]) { start -= 1 }
    let before = Self.words(bytes[start..<end])
    return before.first { !$0.hasPrefix("-") }.map {
      Command(name: "substitution." + Self.base($0), operand: Self.operand(before))
    }
  }

  /// What ends a command, or the text that holds it.
  private static func isEnd(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x22, 0x27, 0x60, 0x28, 0x29, 0x7b, 0x7d, 0x5b, 0x5d, 0x3b, 0x26, 0x7c, 0x3c, 0x3e, 0x5c, 0x0d: true
    default: false
    }
  }

  /// What a command may begin behind, for those and for `key: command`, `key=command`, `!command`.
  private static func isEdge(_ byte: UInt8) -> Bool { isEnd(byte) || byte == 0x3d || byte == 0x3a || byte == 0x21 }

  /// Up to four words, up to where the command or its text ends.
  private static func words(_ bytes: ArraySlice<UInt8>) -> [String] {
    // Blanks, and the end of a line that goes on.
    let start = bytes.firstIndex { $0 > 0x20 && $0 != 0x5c } ?? bytes.endIndex
    let command = bytes[start...].prefix(256).prefix { !isEnd($0) }
    return command.split { $0 <= 0x20 }.prefix(4).map { String(decoding: $0, as: UTF8.self) }
  }

  /// What a command's first operand names; empty without one.
  private static func operand(_ command: [String]) -> String {
    command.dropFirst().first { !$0.hasPrefix("-") && !$0.contains("=") }.map(base) ?? ""
  }

  /// The name of a program without its folder.
  private static func base(_ program: String) -> String {
    program.split(separator: "/").last.map(String.init) ?? program
  }
}
