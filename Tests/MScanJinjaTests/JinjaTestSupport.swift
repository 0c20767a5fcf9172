import MScanBytes
import MScanFacts

@testable import MScanJinja

/// What is stated of a template.
func facts(of text: String, limits: Limits = .standard) -> [Fact] {
  facts(of: Array(text.utf8), limits: limits)
}

func facts(of bytes: [UInt8], limits: Limits = .standard, as format: any Format.Type = JinjaFormat.self) -> [Fact] {
  var sink = FactBuffer(limits: limits)
  let row = sink.artifacts.append(Artifact(name: "chat_template.jinja", format: format.id, size: bytes.count))
  format.read(
    ArtifactInput(index: row, source: ByteSource(bytes), name: "chat_template.jinja", limits: limits), into: &sink)
  return sink.facts
}

/// Names of the facts of one category, in order, each once.
func names(_ category: TemplateFact.Category, in text: String) -> [String] {
  var found: [String] = []
  for fact in facts(of: text) {
    guard case .template(let template) = fact.payload, template.category == category else { continue }
    for name in template.names where !found.contains(name) { found.append(name) }
  }
  return found
}

func anomalies(in text: String, limits: Limits = .standard) -> [String] {
  facts(of: text, limits: limits).compactMap { fact in
    if case .anomaly(let anomaly) = fact.payload { anomaly.subject } else { nil }
  }
}

/// Kinds of the tokens, and their texts.
func tokens(_ text: String) -> [String] {
  JinjaLexer.cut(Array(text.utf8)).tokens.dropLast().map { token in
    switch token.kind {
    case .outputStart: "{{"
    case .outputEnd: "}}"
    case .blockStart: "{%"
    case .blockEnd: "%}"
    case .comment: "#" + token.text
    case .data: "'" + token.text + "'"
    default: token.text
    }
  }
}
