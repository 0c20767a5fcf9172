import MScanBytes
public import MScanFacts

/// Python source: what it imports and what it calls, as CPython's parser sees it. Nothing is run.
///
/// A file that CPython would refuse is stated as `python.malformed`, and what can be read of it is stated all the same,
/// statement by statement. Source: the Python language reference, 3.8 to 3.14.
public enum PythonFormat: Format {
  public static let id = "python"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    let reading = PythonReading(input.source, limits: input.limits)
    var notes = PythonNotes(artifact: input.index, size: input.source.count)
    notes.offsets = SourceOffsets(reading.source, tree: reading.tree, size: input.source.count, raw: reading.bytes)
    for problem in reading.problems {
      let at = problem.isInText ? notes.offsets.raw(problem.offset) : problem.offset
      notes.state(problem.subject, problem.field, problem.detail, problem.isIncomplete, at: at, &sink)
    }
    HiddenText.state(of: reading.tree, notes, into: &sink)
    var statements = PythonStatements(tree: reading.tree, input: input, notes: notes)
    statements.state(into: &sink)
    sink.sortFacts(after: mark)
  }
}

/// Source text, decoded and parsed, and what was wrong on the way.
struct PythonReading {
  struct Problem {
    var subject: String
    var field: String
    var detail: String
    var isIncomplete: Bool
    var offset: Int
    /// Whether the offset is one of the decoded text.
    var isInText = false
  }

  private(set) var bytes: [UInt8] = []
  let source: SourceText
  let tree: PythonTree
  private(set) var problems: [Problem] = []

  /// Whether nothing was left unread.
  var isWhole: Bool { !problems.contains(where: \.isIncomplete) }

  init(_ input: ByteSource, limits: Limits) {
    let wanted = min(input.count, limits.pythonSource)
    input.read(at: 0, count: wanted, into: &bytes)
    if bytes.count < wanted {
      problems.append(
        Problem(
          subject: "python.unreadable", field: "source", detail: "the file could not be read to its end",
          isIncomplete: true, offset: bytes.count))
    } else if wanted < input.count {
      let detail = "more than \(limits.pythonSource) bytes of source; what follows was not read"
      problems.append(
        Problem(
          subject: "limit.pythonSource", field: "source", detail: detail, isIncomplete: true, offset: wanted))
      Self.cutLine(&bytes)
    }
    source = SourceText.decode(bytes)
    var text = bytes
    switch source.outcome {
    case .text(let decoded): text = decoded
    case .refused(let encoding):
      let detail = "the source is not \(encoding.prefix(40)), as its first lines say; no Python takes it"
      problems.append(
        Problem(subject: "python.malformed", field: "encoding", detail: detail, isIncomplete: false, offset: 0))
    case .unsupported(let encoding):
      let detail = "source in \(encoding.prefix(40)) is not decoded by this version"
      problems.append(
        Problem(subject: "python.unsupported", field: "encoding", detail: detail, isIncomplete: true, offset: 0))
    }
    tree = PythonParser.parse(
      text, bounds: PythonParser.Bounds(nodes: limits.pythonNodes, depth: limits.pythonDepth))
    if let limit = tree.limit {
      let bound = limit.name == "pythonNodes" ? limits.pythonNodes : limits.pythonDepth
      problems.append(
        Problem(
          subject: "limit.\(limit.name)", field: "\(limit.name)",
          detail: "more than \(bound), which the rest was not read for", isIncomplete: true, offset: limit.offset,
          isInText: true))
    }
    if case .text = source.outcome, let failure = tree.failure {
      let place = tree.lines.position(of: UInt32(clamping: failure.offset))
      let detail = "\(failure.problem), line \(place.line); it was searched statement by statement"
      problems.append(
        Problem(
          subject: "python.malformed", field: "syntax", detail: detail, isIncomplete: false, offset: failure.offset,
          isInText: true))
    }
  }

  /// Cuts the bytes behind their last line end, so that no statement is read in part.
  private static func cutLine(_ bytes: inout [UInt8]) {
    if let end = bytes.lastIndex(where: { $0 == 0x0a || $0 == 0x0d }) { bytes.removeLast(bytes.count - end - 1) }
  }
}

/// Where the facts of one module belong.
struct PythonNotes {
  let artifact: Int
  let size: Int
  var offsets = SourceOffsets()

  init(artifact: Int, size: Int) {
    self.artifact = artifact
    self.size = size
  }

  func state(
    _ subject: String, _ field: String, _ detail: String, _ incomplete: Bool, at offset: Int, _ sink: inout FactBuffer
  ) {
    let start = min(max(0, offset), size)
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
      artifact: artifact, range: ByteRange(start, min(start + 1, size)), place: .whole)
  }
}

/// From offsets in the decoded text to offsets in the file.
///
/// Exact for UTF-8 and for codecs of one byte a character. For the others, which may add or take away lines, whatever is
/// said of the text is said of the whole file.
struct SourceOffsets {
  private enum Form { case shifted(Int), counted([Int]), whole }
  private var form = Form.shifted(0)
  private var size = Int.max
  private var lines: LineTable?
  private var bytes: [UInt8] = []

  init() {}

  init(_ source: SourceText, tree: PythonTree, size: Int, raw: [UInt8]) {
    self.size = size
    switch source.layout {
    case .same: form = .shifted(source.skipped)
    case .lines: form = .whole
    case .singleByte:
      // Line ends are one byte in both, so that lines start at the same characters.
      form = .counted(LineTable(raw + [0], count: raw.count).starts.map { Int($0) })
      lines = tree.lines
      bytes = tree.bytes
    }
  }

  func raw(_ offset: Int) -> Int {
    switch form {
    case .shifted(let distance): return min(offset + distance, size)
    case .whole: return 0
    case .counted(let starts):
      guard let lines else { return 0 }
      let (line, column) = lines.position(of: UInt32(clamping: offset))
      guard line - 1 < starts.count else { return size }
      let start = offset - column
      let characters = bytes[start..<min(offset, bytes.count)].count { $0 & 0xc0 != 0x80 }
      return min(starts[line - 1] + characters, size)
    }
  }

  func range(_ start: UInt32, _ end: UInt32) -> ByteRange {
    if case .whole = form { return ByteRange(0, size) }
    return ByteRange(raw(Int(start)), raw(Int(end)))
  }
}
