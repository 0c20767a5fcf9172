import MScanBytes
public import MScanFacts

/// A Jupyter notebook: its code cells as Python, the shell commands in them as shell text, and outputs that a viewer
/// would run. The document itself is read as JSON, too. Source: nbformat 3 and 4, IPython's magics.
public enum NotebookFormat: Format {
  public static let id = "notebook"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    JSONFormat.read(input, into: &sink)
    guard
      let bytes = try? input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.jsonBytes, field: "jsonBytes")
    else { return }
    var walk = NotebookWalk(input)
    walk.read(bytes.span, into: &sink)
    sink.sortFacts(after: mark)
  }
}

private struct NotebookWalk {
  private struct Frame {
    var isObject: Bool
    var key = ""
    var cellType = ""
    var source: [UInt8] = []
    var range: Range<Int>?
  }

  /// Bytes of one cell that are looked at; longer ones are data pasted into a cell.
  private static let cellLimit = 4 << 20

  private let input: ArtifactInput
  private var lines = LineCounter()
  private var frames: [Frame] = []
  private var cells = 0

  init(_ input: ArtifactInput) { self.input = input }

  mutating func read(_ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    var start = 0
    if bytes.count >= 3, bytes[0] == 0xef, bytes[1] == 0xbb, bytes[2] == 0xbf { start = 3 }
    var reader = JSONReader(at: start, nesting: input.limits.nesting)
    // What is wrong with the document, its own reader says.
    while let token = try? reader.next(bytes), token.kind != .end {
      switch token.kind {
      case .key:
        guard let top = frames.indices.last else { continue }
        frames[top].key = JSONText.string(bytes, token, limit: 128)
      case .beginObject, .beginArray: frames.append(Frame(isObject: token.kind == .beginObject))
      case .endObject, .endArray:
        guard let closed = frames.popLast() else { continue }
        if closed.isObject, !closed.cellType.isEmpty { cell(closed, bytes, into: &sink) }
      case .string: string(token, bytes, into: &sink)
      default: continue
      }
    }
    // A document that breaks off may do so inside a cell.
    while let closed = frames.popLast() {
      if closed.isObject, !closed.source.isEmpty { cell(closed, bytes, into: &sink) }
    }
  }

  private mutating func string(_ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    let owner = frames.last?.isObject == false ? frames.count - 2 : frames.count - 1
    guard frames.indices.contains(owner), frames[owner].isObject else { return }
    var text: [UInt8] = []
    switch frames[owner].key {
    case "cell_type": frames[owner].cellType = JSONText.string(bytes, token, limit: 64)
    case "source", "input":
      guard frames[owner].source.count < Self.cellLimit else { return }
      JSONText.decode(bytes, token, limit: Self.cellLimit, repairing: true, into: &text)
      frames[owner].source += text
      frames[owner].range = (frames[owner].range?.lowerBound ?? token.start)..<token.end
    case let type
    where type.hasPrefix("text/html") || type.hasPrefix("application/javascript") || type == "image/svg+xml":
      JSONText.decode(bytes, token, limit: Self.cellLimit, repairing: true, into: &text)
      let isScript =
        type.hasPrefix("application/javascript") || HTMLFormat.tags(in: text).contains { $0.name == "script" }
      guard isScript else { return }
      emit("active-output", [type], token.start..<token.end, bytes, into: &sink)
    default: return
    }
  }

  private mutating func emit(
    _ name: String, _ arguments: [String], _ range: Range<Int>, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    let (line, column) = lines.place(of: range.lowerBound, in: bytes)
    let bounded = arguments.map { YAMLWalk.bounded($0, input.limits.argumentCharacters) }
    sink.emit(
      .operation(OperationFact(framework: "notebook", name: name, node: "cell \(cells)", arguments: bounded)),
      artifact: input.index, range: ByteRange(range.lowerBound, range.upperBound),
      place: .line(line, column: column, path: nil))
  }

  private func add(
    _ name: String, _ text: [UInt8], _ range: Range<Int>, format: String?, into sink: inout FactBuffer
  ) {
    guard !text.isEmpty else { return }
    sink.addChild(
      Artifact(
        name: name, parent: input.index, rangeInParent: ByteRange(range.lowerBound, range.upperBound),
        encoding: .jsonString, format: format ?? "", size: text.count),
      source: ByteSource(text), format: format)
  }

  // MARK: Cells

  private static let shellMagics: Set<String> = ["bash", "sh", "script", "system", "sx", "!", "cmd"]
  private static let pythonMagics: Set<String> = [
    "time", "timeit", "capture", "prun", "python", "python3", "pypy", "debug", "mprun", "memit",
  ]

  private mutating func cell(_ cell: Frame, _ bytes: Span<UInt8>, into sink: inout FactBuffer) {
    cells += 1
    guard cell.cellType == "code" || cell.cellType.isEmpty, let range = cell.range else { return }
    var source = cell.source[...]
    let first = String(decoding: source.prefix { $0 != 0x0a }.prefix(1024), as: UTF8.self)
    if first.hasPrefix("%%") {
      let words = first.dropFirst(2).split(separator: " ").map(String.init)
      let magic = words.first ?? ""
      emit("cell-magic", [String(first.dropFirst(2))], range, bytes, into: &sink)
      source = source.drop { $0 != 0x0a }.dropFirst()
      if Self.shellMagics.contains(magic) || magic.hasPrefix("!") {
        emit(
          "shell", [YAMLWalk.bounded(String(decoding: source.prefix(512), as: UTF8.self), 256)], range, bytes,
          into: &sink)
        return add("cell \(cells), shell", Array(source), range, format: "shell", into: &sink)
      }
      if magic == "writefile" || magic == "file" {
        return add("cell \(cells)/" + (words.last ?? "file"), Array(source), range, format: nil, into: &sink)
      }
      if magic == "html" || magic == "HTML" {
        return add("cell \(cells), html", Array(source), range, format: "html", into: &sink)
      }
      if !Self.pythonMagics.contains(magic) { return }
    }
    var python: [UInt8] = []
    var shell: [UInt8] = []
    for line in source.split(separator: 0x0a, omittingEmptySubsequences: false) {
      if let command = Self.command(in: line) {
        shell += command + [0x0a]
        emit("shell", [String(decoding: command.prefix(512), as: UTF8.self)], range, bytes, into: &sink)
        python += line.prefix { $0 == 0x20 || $0 == 0x09 } + Array("pass\n".utf8)
      } else if line.first(where: { $0 != 0x20 && $0 != 0x09 }) == 0x25 {
        python += line.prefix { $0 == 0x20 || $0 == 0x09 } + Array("pass\n".utf8)
      } else {
        python += line + [0x0a]
      }
    }
    add("cell \(cells), shell", shell, range, format: "shell", into: &sink)
    add("cell \(cells)", python, range, format: "python", into: &sink)
  }

  /// The shell command of a line `!x`, `y = !x`, `%sx x`, `%pip x`.
  private static func command(in line: ArraySlice<UInt8>) -> [UInt8]? {
    var rest = line.drop { $0 == 0x20 || $0 == 0x09 }
    // `name = !command`
    let name = rest.prefix {
      $0 == 0x5f || (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0) || (0x30...0x39).contains($0)
    }
    let behind = rest[name.endIndex...].drop { $0 == 0x20 }
    if !name.isEmpty, behind.first == 0x3d {
      let value = behind.dropFirst().drop { $0 == 0x20 }
      if value.first == 0x21 || value.first == 0x25 { rest = value }
    }
    if rest.first == 0x21 { return Array(rest.drop { $0 == 0x21 }) }
    guard rest.first == 0x25 else { return nil }
    let body = rest.drop { $0 == 0x25 }
    let magic = String(decoding: body.prefix { $0 > 0x20 }, as: UTF8.self)
    switch magic {
    case "sx", "system": return Array(body.dropFirst(magic.utf8.count))
    case "pip", "conda", "mamba", "uv": return Array(body)
    default: return nil
    }
  }
}
