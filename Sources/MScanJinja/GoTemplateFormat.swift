import MScanBytes
public import MScanFacts

/// Templates of Go, as a Modelfile of Ollama has them. They reach nothing but what Ollama gives them, so that what counts
/// is their text: what stands between the actions, and the strings in them. Source: Go's `text/template`.
public enum GoTemplateFormat: Format {
  public static let id = "go-template"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    let wanted = min(input.source.count, input.limits.templateBytes)
    let bytes = input.source.prefix(wanted)
    var teller = JinjaTeller(tree(of: bytes), input)
    if wanted < input.source.count {
      let detail = "more than \(wanted) bytes of template; what follows was not read"
      teller.note("limit.templateBytes", "templateBytes", detail, true, at: wanted, &sink)
    }
    teller.tellTexts(into: &sink)
    sink.sortFacts(after: mark)
  }

  /// Texts and strings as nodes, without what the actions do.
  private static func tree(of bytes: [UInt8]) -> JinjaTree {
    var tree = JinjaTree(bytes: bytes)
    func add(_ kind: JinjaNode.Kind, _ start: Int, _ end: Int, _ text: String) {
      guard start < end else { return }
      tree.nodes.append(JinjaNode(kind: kind, start: start, end: end, text: text))
    }
    var at = 0
    while at < bytes.count {
      var stop = at
      while stop < bytes.count, !bytes[stop...].starts(with: [0x7b, 0x7b]) { stop += 1 }
      add(.data, at, stop, String(decoding: bytes[at..<stop], as: UTF8.self))
      at = min(stop + 2, bytes.count)
      let isComment = bytes[at...].drop { $0 == UInt8(ascii: "-") || $0 == 0x20 }.starts(with: "/*".utf8)
      let start = at
      while at < bytes.count, !bytes[at...].starts(with: [0x7d, 0x7d]) {
        let quote = bytes[at]
        guard !isComment, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "`") else {
          at += 1
          continue
        }
        let from = at + 1
        at = from
        while at < bytes.count, bytes[at] != quote {
          at += bytes[at] == UInt8(ascii: "\\") && quote != UInt8(ascii: "`") ? 2 : 1
        }
        let end = min(at, bytes.count)
        let text =
          quote == UInt8(ascii: "`")
          ? String(decoding: bytes[min(from, end)..<end], as: UTF8.self)
          : JinjaEscapes.decode(bytes[min(from, end)..<end]).text
        add(.string, from - 1, end, text)
        at = min(at + 1, bytes.count)
      }
      if isComment { add(.comment, start, at, String(decoding: bytes[start..<at], as: UTF8.self)) }
      at = min(at + 2, bytes.count)
    }
    return tree
  }
}
