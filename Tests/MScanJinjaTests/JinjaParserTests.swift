import MScanBytes
import MScanFacts
import Testing

@testable import MScanJinja

@Suite struct JinjaParserTests {
  private func problems(_ text: String) -> [String] {
    JinjaParser.parse(Array(text.utf8), bounds: .init(nodes: 1 << 16, depth: 192)).problems.map(\.message)
  }

  /// Each is a template that Jinja2 3.1, with the extensions of transformers, compiles.
  @Test(arguments: [
    "{% for a, b in c.items() if a recursive %}{{ loop(b) }}{% else %}{% break %}{% endfor %}",
    "{% if a is defined and a is not none or not a.b is string %}{% elif a %}{% else %}{% endif %}",
    "{% set a, b = 1, 2 %}{% set ns.c = a %}{% set d %}x{% endset %}{% set e | upper | trim %}x{% endset %}",
    "{% macro a(b, c=1, d='x') %}{{ caller() }}{% endmacro %}{% call a(1, c=2) %}{% endcall %}{% call(x) a(1) %}{% endcall %}",
    "{% filter upper|replace('a', 'b') %}x{% endfilter %}{% with %}{% endwith %}{% with a=1, b=2 %}{% endwith %}",
    "{% block a scoped required %}{% endblock a %}{% extends 'x' %}{% include ['a', 'b'] ignore missing with context %}",
    "{% import 'x' as y without context %}{% from 'x' import a as b, c with context %}{% do a.append(1) %}",
    "{% autoescape false %}{% endautoescape %}{% generation %}{% endgeneration %}{% trans %}a{% endtrans %}",
    "{{ a if b else c if d }}{{ a ~ b + c * -d ** 2 // 3 % 4 }}{{ not a in b }}{{ a not in b }}{{ a < b <= c }}",
    "{{ a[1:2], a[::-1], a[:], a['x'][0] }}{{ (1,) }}{{ () }}{{ [1, 2,] }}{{ {'a': 1,} }}{{ 'a' 'b' \"c\" }}",
    "{{ f(*a, **b) }}{{ f(a, b=c) }}{{ a|map('x', y=1)|list }}{{ a is divisibleby 3 }}{{ a is in [1] }}{{ -a|abs }}",
    "{{ a is sameas none }}{{ a.b.c(d).e }}{{ a|default({}, true) }}{% if (a, b) %}{% endif %}",
    "{% for x in [1, 2] %}{% continue %}{% endfor %}{% for a in b if c else d %}{% endfor %}",
  ])
  func takes(_ text: String) {
    // A loop's condition leaves no room for `else` in its list; Jinja2 refuses the last one's as well.
    if text.contains("if c else d") { #expect(!problems(text).isEmpty) } else { #expect(problems(text) == []) }
  }

  @Test(arguments: [
    "{% if %}{% endif %}", "{% if a %}", "{% endif %}", "{% for a %}{% endfor %}", "{{ a b }}", "{{ }}", "{{ a. }}",
    "{{ a| }}",
    "{{ [1 }}", "{% macro %}{% endmacro %}", "{% set a %}", "{% 1 %}", "{{ f(a=) }}", "{% if a %}{% endfor %}",
    "{{ a[] }}",
  ])
  func refuses(_ text: String) { #expect(!problems(text).isEmpty) }

  @Test func whatIsBrokenHidesNothing() {
    for text in [
      "{% if %}{{ x.__class__ }}", "{{ ) x.__class__ }}", "{% nonsense x.__class__ %}", "{{ a b x.__class__ }}",
    ] {
      #expect(names(.attribute, in: text).contains("__class__"), "\(text)")
    }
  }

  @Test func depthAndNodesAreBounded() {
    let deep = String(repeating: "(", count: 100_000)
    #expect(anomalies(in: "{{ " + deep + " }}").contains("limit.jinjaDepth"))
    let blocks = String(repeating: "{% if a %}", count: 100_000)
    #expect(anomalies(in: blocks).contains("limit.jinjaDepth"))
    var limits = Limits()
    limits.jinjaNodes = 100
    #expect(
      anomalies(in: "{{ " + String(repeating: "a + ", count: 200) + "a }}", limits: limits).contains("limit.jinjaNodes")
    )
    limits.templateBytes = 10
    #expect(anomalies(in: "{{ aaaaaaaaaaaa }}", limits: limits).contains("limit.templateBytes"))
  }

  @Test func longChainsAreNotDeep() {
    for step in [".b", "|trim", " + a", " ~ a", "[0]", "()", " and a", " == a"] {
      let text = "{{ a" + String(repeating: step, count: 20_000) + " }}"
      #expect(anomalies(in: text) == [], "\(step)")
    }
  }

  private static let samples = [
    "{% for m in messages if m.a %}{{ '<' ~ m['role'] + \"\\x41\" }}{% else %}{# é #}{% endfor %}{{ f(a=1)|x(2)[1:] is y }}",
    "{%- macro a(b, c=1) -%}{% call a() %}{% raw %}{{{% endraw %}{% endcall %}{% set x.y | z %}q{% endset %}{%- endmacro -%}",
    "{% if 'a' in messages[-1].content|lower %}{{ {'a': [1, (2,)]}['a'] }}{% elif x %}say this to them{% endif %}\u{200b}",
  ]

  @Test(arguments: samples) func everyPrefixEndsInFacts(_ text: String) {
    let bytes = Array(text.utf8)
    for length in 0...bytes.count { check(Array(bytes[..<length])) }
  }

  @Test(arguments: samples) func everyChangedByteEndsInFacts(_ text: String) {
    let bytes = Array(text.utf8)
    for place in bytes.indices {
      for value in [0, 0x0a, 0x22, 0x25, 0x27, 0x28, 0x29, 0x5b, 0x5c, 0x7b, 0x7c, 0x7d, 0x80, 0xff] as [UInt8] {
        var changed = bytes
        changed[place] = value
        check(changed)
      }
    }
  }

  private func check(_ bytes: [UInt8]) {
    for format in [JinjaFormat.self, GoTemplateFormat.self] as [any Format.Type] {
      for fact in facts(of: bytes, as: format) { #expect(fact.range.end <= bytes.count) }
    }
  }
}
