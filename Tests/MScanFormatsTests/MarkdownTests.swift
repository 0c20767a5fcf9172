import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct MarkdownTests {
  private func facts(_ bytes: [UInt8]) -> [Fact] {
    var sink = FactBuffer()
    let row = sink.artifacts.append(Artifact(name: "README.md", format: "markdown", size: bytes.count))
    MarkdownFormat.read(ArtifactInput(index: row, source: ByteSource(bytes), name: "README.md"), into: &sink)
    return sink.facts
  }

  private func values(_ text: String, _ path: String) -> [String] {
    facts(Array(text.utf8)).compactMap { fact in
      guard case .value(let value) = fact.payload, value.keyPath == path else { return nil }
      return value.rendered
    }
  }

  @Test func metadataIsStatedOnceMore() {
    let text = "---\nlicense: mit\nbase_model: [a/b, c/d]\nx: 1\n---\n# A\n"
    #expect(values(text, "license") == ["mit"])
    #expect(values(text, "card.license") == ["mit"])
    #expect(values(text, "card.base_model.1") == ["c/d"])
    #expect(values(text, "card.x") == [])
  }

  @Test(arguments: [
    ("Some *text*\nover lines\n\nMore", "prose", ["some *text* over lines", "more"]),
    ("```sh\nRun  this\n```\nafter", "code", ["run this"]), ("~~~\nopen", "code", ["open"]),
    ("a <!-- hidden\nwords --> b", "comment", ["hidden words"]), ("<!-- open", "comment", ["open"]),
    ("[//]: # (note)", "comment", ["[//]: # (note)"]), ("```\n<!-- x -->\n```", "comment", []),
    ("<p style=\"display: none\">gone</p> there", "hidden", ["gone"]), ("<b hidden>gone</b>", "hidden", ["gone"]),
    ("<b style='color:white;background:black'>there</b>", "hidden", []), ("<b>there</b>", "hidden", []),
    ("[https://a.invalid/x](https://b.invalid/x)", "link-mismatch", ["a.invalid → b.invalid"]),
    ("[https://www.a.invalid](https://a.invalid/x)", "link-mismatch", []),
    ("a\u{202e}b", "invisible.bidi", ["1"]), ("\u{feff}a\u{200b}\u{200b}", "invisible.zero-width", ["2"]),
  ])
  func bodyIsTakenApart(_ text: String, _ name: String, _ expected: [String]) {
    #expect(values(text, "card.body." + name) == expected)
  }

  @Test func linksAreReferences() {
    let text =
      "[a](https://a.invalid/1) ![b](https://b.invalid/2) <https://c.invalid/3>\n[d]: https://d.invalid/4\n<a href=\"https://e.invalid/5\"><img src='data:image/png;base64,aa'></a>\n[f](other.md)\n"
    let targets = facts(Array(text.utf8)).compactMap { fact -> String? in
      if case .reference(let reference) = fact.payload { reference.field + " " + reference.target } else { nil }
    }
    #expect(
      targets == [
        "card.link https://a.invalid/1", "card.image https://b.invalid/2", "card.link https://c.invalid/3",
        "card.link https://d.invalid/4", "card.link https://e.invalid/5", "card.image data:image/png;base64,aa",
      ])
  }

  private static let sample =
    "---\nlicense: mit\n---\n# é\n<!-- x --> [a](b://c)![d](e://f)\n```sh\nx\n```\n<p style='display:none'>y</p>\n[//]: # (z)\n\u{200b}"

  @Test func everyPrefixAndChangedByteEndsInFacts() {
    let bytes = Array(Self.sample.utf8)
    for length in 0...bytes.count { check(Array(bytes[..<length])) }
    for place in bytes.indices {
      for value in [0, 0x0a, 0x20, 0x21, 0x28, 0x29, 0x3c, 0x3e, 0x5b, 0x5d, 0x60, 0x80, 0xff] as [UInt8] {
        var changed = bytes
        changed[place] = value
        check(changed)
      }
    }
  }

  private func check(_ bytes: [UInt8]) {
    for fact in facts(bytes) { #expect(fact.range.end <= bytes.count) }
  }

  /// Work stays in step with length whatever the text is.
  @Test(arguments: ["[", "](", "<", "<!--", "```\n", "<p hidden>", "[a](b://", "- x\n\n", "\u{200b}"])
  func repetitionIsNoBurden(_ piece: String) {
    _ = facts(Array(String(repeating: piece, count: 40_000).utf8))
  }
}
