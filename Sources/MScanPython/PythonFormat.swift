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
    var bytes: [UInt8] = []
    let wanted = min(input.source.count, input.limits.pythonSource)
    input.source.read(at: 0, count: wanted, into: &bytes)
    var notes = PythonNotes(artifact: input.index, size: input.source.count)
    if bytes.count < wanted {
      notes.state("python.unreadable", "source", "the file could not be read to its end", true, at: bytes.count, &sink)
    } else if wanted < input.source.count {
      let detail = "more than \(input.limits.pythonSource) bytes of source; what follows was not read"
      notes.state("limit.pythonSource", "source", detail, true, at: wanted, &sink)
      cutLine(&bytes)
    }
    let source = SourceText.decode(bytes)
    let bounds = PythonParser.Bounds(nodes: input.limits.pythonNodes, depth: input.limits.pythonDepth)
    let text: [UInt8]
    switch source.outcome {
    case .text(let decoded): text = decoded
    case .refused(let encoding):
      let detail = "the source is not \(Self.excerpt(encoding)), as its first lines say; no Python takes it"
      notes.state("python.malformed", "encoding", detail, false, at: 0, &sink)
      text = bytes
    case .unsupported(let encoding):
      let detail = "source in \(Self.excerpt(encoding)) is not decoded by this version"
      notes.state("python.unsupported", "encoding", detail, true, at: 0, &sink)
      text = bytes
    }
    let tree = PythonParser.parse(text, bounds: bounds)
    notes.offsets = SourceOffsets(source, tree: tree, size: input.source.count, raw: bytes)
    if let limit = tree.limit {
      let detail =
        "more than \(limit.name == "pythonNodes" ? bounds.nodes : bounds.depth), which the rest was not read for"
      notes.state(
        "limit.\(limit.name)", limit.name, detail, true, at: notes.offsets.raw(limit.offset), &sink)
    }
    if case .text = source.outcome, let failure = tree.failure {
      let place = tree.lines.position(of: UInt32(clamping: failure.offset))
      let detail = "\(failure.problem), line \(place.line); it was searched statement by statement"
      notes.state("python.malformed", "syntax", detail, false, at: notes.offsets.raw(failure.offset), &sink)
    }
    var statements = PythonStatements(tree: tree, limits: input.limits, notes: notes, name: input.name)
    statements.state(into: &sink)
    sink.sortFacts(after: mark)
  }

  /// Cuts the bytes behind their last line end, so that no statement is read in part.
  private static func cutLine(_ bytes: inout [UInt8]) {
    if let end = bytes.lastIndex(where: { $0 == 0x0a || $0 == 0x0d }) { bytes.removeLast(bytes.count - end - 1) }
  }

  private static func excerpt(_ encoding: String) -> String { String(encoding.prefix(40)) }
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
