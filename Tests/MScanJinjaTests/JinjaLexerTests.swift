import Testing

@testable import MScanJinja

@Suite struct JinjaLexerTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var text: String
    var tokens: [String]
    var testDescription: String { text }
    init(_ text: String, _ tokens: [String]) { (self.text, self.tokens) = (text, tokens) }
  }

  @Test(arguments: [
    Case("a{{ b }}c", ["'a'", "{{", "b", "}}", "'c'"]),
    Case("a {{- b -}} c", ["'a'", "{{", "b", "}}", "'c'"]),
    Case("{{ {'a': {}} }}", ["{{", "{", "a", ":", "{", "}", "}", "}}"]),
    Case("{% if a %}\n  b\n  {% endif %}\nc", ["{%", "if", "a", "%}", "'  b\n'", "{%", "endif", "%}", "'c'"]),
    Case("{%+ if a +%}\nb", ["{%", "if", "a", "%}", "'\nb'"]),
    Case("a{# b #}c", ["'a'", "# b ", "'c'"]),
    Case("{% raw %}{{ a }}{% endraw %}b", ["'{{ a }}'", "'b'"]),
    Case("{%- raw -%} x {%- endraw -%} b", ["'x'", "'b'"]),
    Case(#"{{ "a\x62\u0063\103\n\q" }}"#, ["{{", "abcC\n\\q", "}}"]),
    Case(#"{{ '\N{LOW LINE}' }}"#, ["{{", "_", "}}"]),
    Case("{{ 1_000 + 0x1F * 2.5e-3 }}", ["{{", "1000", "+", "0x1F", "*", "2.5e-3", "}}"]),
    Case("{{ a.0.1 }}", ["{{", "a", ".", "0", ".", "1", "}}"]),
    Case("{{ a//b**c!=d<=e }}", ["{{", "a", "//", "b", "**", "c", "!=", "d", "<=", "e", "}}"]),
    Case("{", ["'{'"]), Case("", []),
  ])
  func cuts(_ sample: Case) { #expect(tokens(sample.text) == sample.tokens) }

  @Test(arguments: ["{{ a", "{# a", "{% raw %}a", "{{ 'a }}", "{{ a) }}", "{{ a ? b }}"])
  func saysWhatIsWrong(_ text: String) { #expect(!JinjaLexer.cut(Array(text.utf8)).problems.isEmpty) }
}
