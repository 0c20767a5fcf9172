import MScanBytes
import MScanFacts

/// Constants that something runs, loads or renders: each is an artifact of its own.
extension PythonStatements {
  /// Artifacts of one module. Count; 256.
  private static let childBound = 256

  /// Source that is run from a constant, and pickles, code objects and templates that are made of one.
  mutating func stateContent(
    of node: NodeID, _ callee: DottedPath, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    switch resolver.paths.last(callee) {
    case "exec", "eval", "compile", "loads", "Template", "from_string", "ForwardRef", "query": break
    default: return
    }
    let format: String
    let text = resolver.paths.text(callee)
    switch text {
    case "builtins.exec", "builtins.eval", "builtins.compile": format = PythonFormat.id
    case "pickle.loads", "_pickle.loads", "dill.loads", "cloudpickle.loads": format = "pickle"
    case "marshal.loads": format = "marshal"
    case "jinja2.Template", "(jinja2.Environment).from_string", "(jinja2.environment.Environment).from_string":
      format = "jinja"
    // Type names, and the conditions of a data frame, are expressions of Python.
    case "typing.ForwardRef", "annotationlib.ForwardRef": format = PythonFormat.id
    case let name where name.hasPrefix("pandas.") || name.hasPrefix("(pandas."): format = PythonFormat.id
    default: return
    }
    guard let argument = tree.children(of: node).dropFirst().first(where: { _ in true }) else { return }
    for value in resolver.values(of: argument) {
      switch value {
      case .text(let text):
        // `@name` in a condition is a name of the code around it.
        let isCondition = format == PythonFormat.id && resolver.paths.last(callee) != "exec"
        let bytes = text.utf8.map { isCondition && $0 == UInt8(ascii: "@") ? UInt8(ascii: " ") : $0 }
        add(bytes, format, at: node, range, into: &sink)
      case .bytes(let bytes): add(bytes, format, at: node, range, into: &sink)
      default: continue
      }
    }
  }

  /// Source that a loader of the module's own gives to Python's import.
  mutating func stateLoaders(into sink: inout FactBuffer) {
    for scope in scopes.scopes where scope.kind == .function && tree[scope.node].kind == .functionDefinition {
      switch tree.names.text(tree[scope.node].data) {
      case "get_source", "get_data", "get_code", "source_to_code": break
      default: continue
      }
      for node in scope.returns {
        let range = notes.offsets.range(tree[node].start, tree[node].end)
        for value in resolver.values(of: node) {
          switch value {
          case .text(let text): add(Array(text.utf8), PythonFormat.id, at: node, range, into: &sink)
          case .bytes(let bytes): add(bytes, PythonFormat.id, at: node, range, into: &sink)
          default: continue
          }
        }
      }
    }
  }

  /// Annotations that are texts are run by whoever asks for the types: `typing.get_type_hints`, pydantic, dataclasses.
  mutating func stateAnnotations(into sink: inout FactBuffer) {
    for place in textPlaces {
      let node = tree[place]
      let annotation: NodeID
      switch node.kind {
      case .parameter where node.flags & ParameterForm.annotation != 0: annotation = node.first
      case .returns: annotation = node.first
      case .annotatedAssignment: annotation = node.first == 0 ? 0 : tree[node.first].next
      default: continue
      }
      guard annotation != 0, tree[annotation].kind == .string || tree[annotation].kind == .strings,
        let text = resolver.value(of: annotation)?.asText, Self.callsFunction(text.utf8)
      else { continue }
      let range = notes.offsets.range(tree[annotation].start, tree[annotation].end)
      add(Array(text.utf8), PythonFormat.id, at: annotation, range, into: &sink)
    }
  }

  /// Whether anything but a name in capitals, which is a class, stands before a parenthesis.
  private static func callsFunction(_ text: String.UTF8View) -> Bool {
    var word: UInt8 = 0
    var isInWord = false
    for byte in text {
      switch byte {
      case UInt8(ascii: "("):
        let isCapital = (0x41...0x5a).contains(word)
        if isInWord, !isCapital { return true }
        isInWord = false
      case UInt8(ascii: "_"), 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x80...0xff, UInt8(ascii: "]"), UInt8(ascii: ")"):
        if !isInWord { word = byte }
        isInWord = true
      default: isInWord = false
      }
    }
    return false
  }

  private mutating func add(
    _ content: [UInt8], _ format: String, at node: NodeID, _ range: ByteRange, into sink: inout FactBuffer
  ) {
    guard !content.isEmpty else { return }
    children += 1
    guard children <= Self.childBound else {
      if children == Self.childBound + 1 {
        let detail = "more than \(Self.childBound) constants are run, loaded or rendered; the others were not read"
        notes.state("limit.pythonConstants", "pythonConstants", detail, true, at: range.start, &sink)
      }
      return
    }
    let (line, column) = tree.lines.position(of: tree[node].start)
    sink.addChild(
      Artifact(
        name: "\(format == PythonFormat.id ? "source" : format) in \(line):\(column)", parent: notes.artifact,
        rangeInParent: range, encoding: .pieces, size: content.count), source: ByteSource(content), format: format)
  }
}
