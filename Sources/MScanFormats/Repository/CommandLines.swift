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

  /// Longest line, and most of a line that is looked at. Bytes; 64 KiB.
  private static let lineLimit = 1 << 16
  private static let chunk = 1 << 20
  /// Facts of a file. Count; 64: one is enough.
  private static let most = 64

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
    let inner = sink.children.compactMap { child -> ByteRange? in
      let row = sink.artifacts[child.index]
      return row?.parent == input.index ? row?.rangeInParent : nil
    }
    var state = (left: most, line: 1)
    var start = 0
    var buffer: [UInt8] = []
    while start < input.source.count, state.left > 0 {
      guard input.source.read(at: start, count: chunk, into: &buffer) > 0 else { return }
      var end = buffer.count
      // A line that the stretch cuts is read with the next one, unless it is too long for any.
      if start + end < input.source.count, let last = buffer.lastIndex(of: 0x0a) { end = last + 1 }
      search(buffer, end, at: start, &state, input, inner, into: &sink)
      start += end
    }
  }

  /// Searches the lines of a stretch, up to `end`.
  private static func search(
    _ buffer: [UInt8], _ end: Int, at start: Int, _ state: inout (left: Int, line: Int), _ input: ArtifactInput,
    _ inner: [ByteRange], into sink: inout FactBuffer
  ) {
    let bytes = buffer.span
    // Where lines are counted up to, and where no more is to be found.
    var counted = 0
    var at = bytes.first(0x3a, from: 0)
    while at < end, state.left > 0 {
      guard at + 2 < end, bytes[at + 1] == 0x2f, bytes[at + 2] == 0x2f else {
        at = bytes.first(0x3a, from: at + 1)
        continue
      }
      var first = at
      while first > counted, at - first < lineLimit, bytes[first - 1] != 0x0a { first -= 1 }
      let stop = min(bytes.first(0x0a, from: at), end)
      state.line += bytes.lineEnds(from: counted, to: first).count
      counted = first
      tell(
        CommandLine(buffer, first..<min(stop, first + lineLimit), address: at), start, first..<stop, &state, input,
        inner, into: &sink)
      at = bytes.first(0x3a, from: stop)
    }
    state.line += bytes.lineEnds(from: counted, to: end).count
  }

  private static func tell(
    _ line: CommandLine?, _ start: Int, _ place: Range<Int>, _ state: inout (left: Int, line: Int),
    _ input: ArtifactInput, _ inner: [ByteRange], into sink: inout FactBuffer
  ) {
    let range = ByteRange(start + place.lowerBound, start + place.upperBound)
    guard let line, !inner.contains(where: { $0.start < range.end && range.start < $0.end }) else { return }
    let text = YAMLWalk.bounded(line.text, input.limits.argumentCharacters)
    for (name, target, column) in line.commands() where state.left > 0 {
      state.left -= 1
      sink.emit(
        .operation(
          OperationFact(framework: "line", name: name, node: YAMLWalk.bounded(target, 80), arguments: [text])),
        artifact: input.index, range: range, place: .line(state.line, column: column, path: nil))
    }
  }

  private static func isProse(_ name: String) -> Bool {
    let parts = name.lowercased().split(separator: ".", omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last else { return false }
    if last == "json" { return !["composer", "deno"].contains(first) }
    if first == "cmakelists" { return false }
    return proseStems.contains(String(first)) || parts.count > 1 && proseEndings.contains(String(last))
  }
}

/// A line with an address in it.
private struct CommandLine {
  private let bytes: [UInt8]
  /// Offset of the first address's `://`.
  private let address: Int
  private let first: Int

  /// Nil for a comment, and for a line that hands nothing on.
  init?(_ text: [UInt8], _ line: Range<Int>, address: Int) {
    // A pipe, a bracket or a backquote: most lines with an address have none.
    guard line.contains(address), text[line].contains(where: { $0 == 0x7c || $0 == 0x28 || $0 == 0x60 }),
      let first = text[line].firstIndex(where: { $0 > 0x20 })
    else { return nil }
    self.init(Array(text[line]), address - line.lowerBound, first: first - line.lowerBound)
  }

  private init?(_ bytes: [UInt8], _ address: Int, first: Int) {
    (self.bytes, self.address, self.first) = (bytes, address, first)
    let start = String(decoding: bytes[first...].prefix(4), as: UTF8.self).lowercased()
    if ["#", "//", "--", ";", "%", "<!--", "rem ", "/*"].contains(where: { start.hasPrefix($0) }) { return nil }
    // A line of a comment; five stars are a table of jobs.
    let isStarred = start.hasPrefix("* ") && !start.hasPrefix("* *")
    if isStarred, !(bytes.dropFirst(first + 2).first.map { (0x30...0x39).contains($0) } ?? false) { return nil }
  }

  var text: String { String(decoding: bytes[first...].prefix(1024), as: UTF8.self) }

  /// What the output goes to: the program and its first operand.
  func commands() -> [(name: String, target: String, column: Int)] {
    var found: [(name: String, target: String, column: Int)] = []
    var at = address
    while let pipe = bytes[at...].firstIndex(of: 0x7c), found.count < 4 {
      at = pipe + 1
      guard at < bytes.count, bytes[at] != 0x7c else { break }
      let target = Self.words(bytes[at...])
      if let program = target.first {
        found.append(("pipe." + Self.base(program), Self.operand(target), first + 1))
      }
    }
    if let opening = substitution() {
      let before = Self.words(bytes[opening])
      if let program = before.first(where: { !$0.hasPrefix("-") }) {
        found.append(("substitution." + Self.base(program), Self.operand(before), first + 1))
      }
    }
    return found
  }

  /// The words before `$(`, `<(` or a backquote that stands before the address.
  private func substitution() -> Range<Int>? {
    var at = address
    while at > 0 {
      at -= 1
      let isBracket = bytes[at] == 0x28 && at > 0 && (bytes[at - 1] == 0x24 || bytes[at - 1] == 0x3c)
      guard isBracket || bytes[at] == 0x60 else { continue }
      var end = isBracket ? at - 1 : at
      while end > 0, bytes[end - 1] <= 0x20 || bytes[end - 1] == 0x22 || bytes[end - 1] == 0x5c { end -= 1 }
      var start = end
      while start > 0, !Self.isEdge(bytes[start - 1]) { start -= 1 }
      return start < end ? start..<end : nil
    }
    return nil
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
    let command = bytes.prefix(256).prefix { !isEnd($0) }
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
