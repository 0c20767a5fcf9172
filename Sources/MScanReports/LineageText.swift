public import MScanFacts

/// Lineage for people, and as a graph in the words of Graphviz.
public enum LineageText {
  /// One block a model: what it is made from, how that is known, what it says itself.
  public static func render(_ report: ScanReport, color: Bool) -> String {
    let lineage = report.lineage
    guard !lineage.isEmpty else { return "No model was found.\n" }
    var out = ""
    for model in lineage.models {
      out += block(model, lineage, color) + "\n"
    }
    return out
  }

  private static func block(_ model: LineageReport.Model, _ lineage: LineageReport, _ color: Bool) -> String {
    let verdict = painted(model.verdict, color)
    var lines = ["\(Plain.text(model.child, limit: 200)): \(verdict)"]
    for note in model.notes { lines.append("  " + Plain.text(note, limit: 400)) }
    let inferred = lineage.inferred.filter { $0.child == model.child }
    for (index, edge) in inferred.enumerated() {
      let last = index == inferred.count - 1
      let how = edge.variant.isEmpty ? edge.operation : "\(edge.operation), \(edge.variant)"
      lines.append(
        "  \(last ? "└" : "├")─ \(Plain.text(edge.parent, limit: 200))  (\(how); \(edge.confidence / 10)% sure)")
      guard last else { continue }
      for reason in edge.evidence { lines.append("       " + Plain.text(reason, limit: 400)) }
    }
    if inferred.isEmpty { lines.append("  weights: nothing known is related") }
    var said: [String] = []
    for edge in lineage.declared where edge.child == model.child {
      let how = edge.operation.isEmpty ? "" : "\(edge.operation) of "
      said.append("  says: \(how)\(Plain.text(edge.parent, limit: 200))  (\(Plain.text(edge.source, limit: 200)))")
    }
    lines += said.isEmpty ? ["  says: nothing"] : said
    if !model.riskVector.isEmpty {
      lines.append("  risk: \(model.risk / 10).\(model.risk % 10) of 10  (\(model.riskVector))")
      for reason in model.riskReasons { lines.append("       " + Plain.text(reason, limit: 400)) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func painted(_ verdict: LineageReport.Verdict, _ color: Bool) -> String {
    guard color else { return verdict.rawValue }
    let code =
      switch verdict {
      case .contradicted: "31"
      case .undeclared, .unverifiable: "33"
      case .consistent: "32"
      case .none: "0"
      }
    return "\u{1b}[\(code)m\(verdict.rawValue)\u{1b}[0m"
  }

  /// A directed graph from bases to models: solid for what the weights say, dashed for what is only said.
  public static func dot(_ lineage: LineageReport) -> String {
    var out = "digraph lineage {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
    for model in lineage.models {
      let style = model.verdict == .contradicted ? ", color=red" : ""
      out += "  \(quoted(model.child)) [label=\(quoted(model.child + "\n" + model.verdict.rawValue))\(style)];\n"
    }
    var drawn: Set<[String]> = []
    for edge in lineage.inferred where drawn.insert([edge.parent, edge.child]).inserted {
      out += "  \(quoted(edge.parent)) -> \(quoted(edge.child)) [label=\(quoted(edge.operation))];\n"
    }
    for edge in lineage.declared where drawn.insert([edge.parent, edge.child]).inserted {
      let label = edge.operation.isEmpty ? "says" : "says \(edge.operation)"
      out += "  \(quoted(edge.parent)) -> \(quoted(edge.child)) [label=\(quoted(label)), style=dashed];\n"
    }
    return out + "}\n"
  }

  /// A string of the DOT language; a newline stays one.
  private static func quoted(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var out = ""
      for character in Plain.text(String(line), limit: 200) {
        if character == "\"" || character == "\\" { out.append("\\") }
        out.append(character)
      }
      return out
    }
    return "\"" + lines.joined(separator: "\\n") + "\""
  }
}
