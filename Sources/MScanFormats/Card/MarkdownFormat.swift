import MScanBytes
public import MScanFacts

/// Markdown with the metadata of a model card between two lines of `---` at its head. The metadata is stated as the YAML
/// it is, and what a card is asked for once more below `card.`; of the body, what it shows, hides, links and has people
/// run. Source: the Hub's `modelcard.md`, CommonMark.
public enum MarkdownFormat: Format {
  public static let id = "markdown"

  /// Fields of a card that say where a model is from and how it may be used.
  private static let fields: Set<String> = [
    "license", "license_name", "license_link", "base_model", "base_model_relation", "new_version", "datasets",
    "language",
    "pipeline_tag", "library_name", "metrics", "model-index", "eval_results", "tags", "extra_gated_prompt",
  ]

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    let wanted = min(input.source.count, input.limits.markdownBytes)
    let bytes = input.source.prefix(wanted)
    let isCut = bytes.count < input.source.count
    if isCut {
      sink.emit(
        ParseFailure(wanted < input.source.count ? .limitExceeded : .unreadable, "markdownBytes", at: bytes.count),
        format: id, artifact: input.index, size: input.source.count)
    }
    var body = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    switch frontMatter(of: bytes, limit: input.limits.frontMatter) {
    case .none: break
    case .tooLong:
      sink.emit(
        ParseFailure(.limitExceeded, "frontMatter", at: input.limits.frontMatter), format: id, artifact: input.index,
        size: input.source.count)
    case .found(let part, let end):
      let first = sink.facts.count
      // A card is short, and correlators want what no rule names.
      let whole = ArtifactInput(
        index: input.index, source: input.source, name: input.name, limits: input.limits)
      var walk = YAMLWalk(whole, text: YAMLText(utf8: bytes), part: part)
      walk.read(into: &sink)
      restate(from: first, input, into: &sink)
      body = end
    }
    var reader = MarkdownBody(bytes, from: body, input)
    reader.read(into: &sink)
    sink.sortFacts(after: mark)
  }

  private static func restate(from first: Int, _ input: ArtifactInput, into sink: inout FactBuffer) {
    for fact in Array(sink.facts.dropFirst(first)) where fact.artifact == input.index {
      guard case .value(let value) = fact.payload, let step = value.keyPath.split(separator: ".").first,
        fields.contains(String(step))
      else { continue }
      sink.emit(
        .value(ValueFact(keyPath: "card." + value.keyPath, value: value.value)), artifact: input.index,
        range: fact.range, place: fact.place)
    }
  }

  private enum FrontMatter {
    case none, tooLong
    /// The YAML, and where the body starts.
    case found(Range<Int>, end: Int)
  }

  private static func frontMatter(of bytes: [UInt8], limit: Int) -> FrontMatter {
    let head = bytes.prefix(limit)
    let text = head.starts(with: [0xef, 0xbb, 0xbf]) ? head[3...] : head
    guard let first = line(text), first.isRule else { return .none }
    var at = first.end
    while let line = line(head[at...]) {
      if line.isRule { return .found(first.end..<line.start, end: line.end) }
      at = line.end
    }
    // A card that opens with a rule and never closes it has no metadata; one that is cut off here has.
    return head.count < bytes.count ? .tooLong : .none
  }

  /// The first line of `bytes`: where it starts and ends, and whether it is `---` and blanks.
  private static func line(_ bytes: ArraySlice<UInt8>) -> (start: Int, end: Int, isRule: Bool)? {
    guard !bytes.isEmpty else { return nil }
    let stop = bytes.firstIndex(of: 0x0a)
    let text = bytes[..<(stop ?? bytes.endIndex)]
    let isRule =
      text.starts(with: [0x2d, 0x2d, 0x2d]) && text.dropFirst(3).allSatisfy { [0x20, 0x09, 0x0d].contains($0) }
    return (bytes.startIndex, stop.map { $0 + 1 } ?? bytes.endIndex, isRule)
  }
}
