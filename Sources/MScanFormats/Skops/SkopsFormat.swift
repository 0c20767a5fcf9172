import MScanBytes
public import MScanFacts

/// `schema.json` of a skops archive: a tree of nodes, each with the class it makes (`__module__`, `__class__`) and the
/// node type that makes it (`__loader__`). `skops.io.load` imports every class that it trusts or is told to trust, and
/// versions before 0.12 (CVE-2025-54412, CVE-2025-54413) check another name than the one they use.
///
///     {"__class__": "partial", "__module__": "functools", "__loader__": "PartialNode", "content": {…}}
///
/// Source: `skops/io/_audit.py`, `_general.py`, `_numpy.py`, `_sklearn.py`.
public enum SkopsFormat: Format {
  public static let id = "skops-schema"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var walk = SkopsWalk(input)
    do throws(ParseFailure) {
      let bytes = try input.source.bytes(
        ByteRange(0, input.source.count), limit: input.limits.jsonBytes, field: "jsonBytes")
      try walk.read(bytes.span, into: &sink)
    } catch {
      sink.emit(error, format: id, artifact: input.index, size: input.source.count)
    }
    sink.sortFacts(after: mark)
  }
}

/// One pass over the tree; a node is stated at its end, when all of its names are known.
struct SkopsWalk {
  private enum Field: String {
    case className = "__class__", module = "__module__", loader = "__loader__", function = "func"
  }

  private struct Frame {
    var start: Int
    var line = 0
    var column = 0
    var isObject: Bool
    /// The key that the container itself stands under, and the key whose value comes next.
    var owner: String
    var key = ""
    var className = ""
    var module = ""
    var loader = ""
    /// Method and class of the object of a `MethodNode`, from its `content`.
    var function = ""
    var object = ""

  }

  private let input: ArtifactInput
  private var frames: [Frame] = []
  private var lines = LineCounter()
  private static let textLimit = 512

  init(_ input: ArtifactInput) { self.input = input }

  mutating func read(_ bytes: Span<UInt8>, into sink: inout FactBuffer) throws(ParseFailure) {
    var reader = JSONReader(nesting: input.limits.nesting)
    while true {
      let token = try reader.next(bytes)
      switch token.kind {
      case .end: return
      case .key:
        if let top = frames.indices.last { frames[top].key = JSONText.string(bytes, token, limit: Self.textLimit) }
      case .beginObject, .beginArray:
        let place = lines.place(of: token.start, in: bytes)
        frames.append(
          Frame(
            start: token.start, line: place.line, column: place.column, isObject: token.kind == .beginObject,
            owner: frames.last?.key ?? ""))
      case .endObject, .endArray: end(token, into: &sink)
      case .string: text(JSONText.string(bytes, token, limit: Self.textLimit), end: token.end, into: &sink)
      default: break
      }
    }
  }

  private mutating func text(_ text: String, end: Int, into sink: inout FactBuffer) {
    guard let top = frames.indices.last, frames[top].isObject, let field = Field(rawValue: frames[top].key) else {
      return
    }
    // The last of equal keys counts for Python, the first may for others: the node is stated as either.
    if isSet(field, frames[top]) {
      state(frames[top], end: end, into: &sink)
    }
    switch field {
    case .className: frames[top].className = text
    case .module: frames[top].module = text
    case .loader: frames[top].loader = text
    case .function: frames[top].function = text
    }
  }

  private func isSet(_ field: Field, _ frame: Frame) -> Bool {
    switch field {
    case .className: !frame.className.isEmpty
    case .module: !frame.module.isEmpty
    case .loader: !frame.loader.isEmpty
    case .function: !frame.function.isEmpty
    }
  }

  private mutating func end(_ token: JSONToken, into sink: inout FactBuffer) {
    guard let frame = frames.popLast() else { return }
    state(frame, end: token.end, into: &sink)
    guard let top = frames.indices.last, frame.isObject else { return }
    if frame.owner == "obj" { frames[top].object = frame.module + "." + frame.className }
    if frame.owner == "content" {
      frames[top].function = frame.function
      frames[top].object = frame.object
    }
  }

  private func state(_ frame: Frame, end: Int, into sink: inout FactBuffer) {
    guard frame.isObject, !frame.className.isEmpty || !frame.loader.isEmpty, frame.loader != "JsonNode" else { return }
    var fact = CallableFact(
      module: frame.module, name: frame.className, stage: .named, via: "skops", when: ["skops.io.load, once trusted"])
    switch frame.loader {
    case "ObjectNode", "SGDNode", "TreeNode", "LossNode":
      fact.stage = .invoked
      fact.via = "newobj"
    case "ReduceNode":
      fact.stage = .invoked
      fact.via = "reduce"
    case "OperatorFuncNode":
      // Whatever module is written, the function is taken from `operator`.
      fact.stage = .invoked
      fact.via = "reduce"
      fact.subjects = ["operator." + frame.className, fact.dotted]
    case "PartialNode":
      fact.stage = .invoked
      fact.via = "partial"
    case "MethodNode":
      // `getattr(object, function)`: the class it names plays no part.
      fact.module = ""
      fact.name = frame.object + "." + frame.function
      fact.subjects = PickleSubjects.of(path: fact.name)
    default: break
    }
    if fact.subjects.count == 1, !fact.module.isEmpty {
      fact.subjects = PickleSubjects.of(module: fact.module, name: fact.name, path: fact.dotted)
    }
    fact.arguments = [frame.loader]
    sink.emit(
      .callable(fact), artifact: input.index, range: ByteRange(frame.start, end),
      place: .line(frame.line, column: frame.column, path: nil))
  }
}
