import MScanBytes
import MScanFacts
import Testing

@testable import MScanPython

func parse(_ text: String, bounds: PythonParser.Bounds = .init()) -> PythonTree {
  PythonParser.parse(Array(text.utf8), bounds: bounds)
}

func readPython(_ bytes: [UInt8], limits: Limits = .standard) -> FactBuffer {
  var sink = FactBuffer(limits: limits)
  let row = sink.artifacts.append(Artifact(name: "m.py", format: PythonFormat.id, size: bytes.count))
  PythonFormat.read(
    ArtifactInput(index: row, source: ByteSource(bytes), name: "m.py", limits: limits), into: &sink)
  return sink
}

extension PythonTree {
  /// `line:column name` of every call, in order.
  var calls: [String] {
    var found: [(UInt32, String)] = []
    for node in nodes where node.kind == .call {
      let (line, column) = lines.position(of: node.start)
      found.append((node.start, "\(line):\(column) \(dotted(node.first) ?? "?")"))
    }
    return found.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.1)
  }

  /// The tree in brackets: kinds, names in front. For small samples.
  func outline(_ id: NodeID = 0) -> String {
    var text = ""
    // A node, or the bracket that closes one.
    var open: [NodeID?] = [id]
    while let next = open.popLast() {
      guard let next else {
        text += ")"
        continue
      }
      let node = self[next]
      if !text.isEmpty, text.last != "(" { text += " " }
      text += "\(node.kind)"
      switch node.kind {
      case .name, .attribute, .keyword, .parameter, .alias, .functionDefinition, .classDefinition, .asPattern,
        .typeAlias, .typeParameter:
        text += ":" + names.text(node.data)
      default: break
      }
      guard node.first != 0 else { continue }
      text += "("
      open.append(nil)
      open.append(contentsOf: Array(children(of: next)).reversed().map { $0 })
    }
    return text
  }

  /// Every node but the module is the child of at most one other, and children lie behind no later sibling twice.
  var isTree: Bool {
    var seen = [Bool](repeating: false, count: nodes.count)
    for index in nodes.indices {
      for child in children(of: NodeID(index)) {
        guard child != 0, Int(child) < nodes.count, !seen[Int(child)] else { return false }
        seen[Int(child)] = true
      }
    }
    return true
  }
}

extension FactBuffer {
  var anomalies: [String] {
    facts.compactMap { fact in
      guard case .anomaly(let anomaly) = fact.payload else { return nil }
      return anomaly.subject + (anomaly.incomplete ? "!" : "")
    }
  }

  /// `place name(arguments)` of every call.
  var pythonCalls: [String] {
    facts.compactMap { fact in
      guard case .callable(let callable) = fact.payload, callable.via != "held" else { return nil }
      // What nothing binds is taken from the built-in names.
      let name = callable.dotted.hasPrefix("builtins.") ? String(callable.dotted.dropFirst(9)) : callable.dotted
      return "\(fact.place.description) \(name)(\(callable.arguments.joined(separator: ", ")))"
    }
  }

  var pythonImports: [String] {
    facts.compactMap { fact in
      guard case .reference(let reference) = fact.payload else { return nil }
      return "\(fact.place.description) \(reference.target)"
    }
  }

  /// Facts in byte order, inside the file.
  var keepsTheLaws: Bool {
    var last = 0
    return facts.allSatisfy { fact in
      let fits = fact.range.start >= last && fact.range.end <= artifacts[fact.artifact]?.size ?? -1
      last = fact.range.start
      return fits
    }
  }
}
