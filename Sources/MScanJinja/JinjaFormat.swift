import MScanBytes
public import MScanFacts

/// Templates of Jinja2, as transformers, vLLM, minja and llama.cpp render them. Nothing is rendered here.
///
/// A template that Jinja2 would refuse is stated as `jinja.malformed`, and what can be read of it is stated all the same.
/// Source: Jinja2 3.1, transformers' `chat_template_utils.py`.
public enum JinjaFormat: Format {
  public static let id = "jinja"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    let wanted = min(input.source.count, input.limits.templateBytes)
    let bytes = input.source.prefix(wanted)
    var teller = JinjaTeller(bytes, input)
    if bytes.count < wanted {
      teller.note(
        "jinja.unreadable", "template", "the template could not be read to its end", true, at: bytes.count, &sink)
    } else if wanted < input.source.count {
      let detail = "more than \(wanted) bytes of template; what follows was not read"
      teller.note("limit.templateBytes", "templateBytes", detail, true, at: wanted, &sink)
    }
    teller.tell(into: &sink)
    sink.sortFacts(after: mark)
  }
}
