import MScanBytes
import MScanFacts
import Testing

@testable import MScanJinja

@Suite struct JinjaMeaningTests {
  private func value(_ expression: String) -> [String] {
    let tree = JinjaParser.parse(Array("{{ \(expression) }}".utf8), bounds: .init(nodes: 1 << 16, depth: 192))
    guard let output = tree.nodes.last(where: { $0.kind == .output })?.children.first else { return [] }
    var meaning = JinjaMeaning(tree, names: JinjaNames(tree), steps: 1 << 16)
    return meaning.value(output).texts
  }

  @Test(arguments: [
    ("'a' + 'b'", "ab"), ("'a' ~ 1", "a1"), ("'ab' * 2", "abab"), ("'%s-%s' % ('a', 'b')", "a-b"),
    ("'%c'|format(95)", "_"), ("'{}{1}'.format('a', 'b')", "ab"), ("'{:c}'.format(95)", "_"),
    ("['a', 'b']|join('-')", "a-b"),
    ("'-'.join(['a', 'b'])", "a-b"), ("'abc'|reverse", "cba"), ("'abc'[::-1]", "cba"), ("'abcd'[1:3]", "bc"),
    ("'abc'[-1]", "c"), ("'a-b'|replace('-', '_')", "a_b"), ("'a-b'.replace('-', '_')", "a_b"), ("' a '|trim", "a"),
    ("'xax'.strip('x')", "a"), ("'A'|lower", "a"), ("{'k': 'v'}['k']", "v"), ("{'k': 'v'}.k", "v"),
    ("{'k': 'v'}.get('k')", "v"), ("dict(k='v').k", "v"), ("'a,b'.split(',')[1]", "b"), ("['a', 'b']|last", "b"),
    ("1 + 2 * 3", "7"), ("2 ** 10", "1024"), ("7 // 2", "3"), ("(1, 2)[1]", "2"), ("'a' 'b'", "ab"),
  ])
  func folds(_ expression: String, _ text: String) { #expect(value(expression).contains(text)) }

  @Test(arguments: ["x", "x.y", "f()", "'a'|unknown", "9 ** 9 ** 9 ** 9", "'{0.a}'.format(x)", "1 / 0"])
  func doesNotGuess(_ expression: String) { #expect(value(expression).allSatisfy { $0 != "a" }) }

  @Test func circlesEnd() {
    #expect(anomalies(in: "{% set a = b %}{% set b = a + a %}{{ x[a] }}") == [])
    #expect(
      anomalies(in: "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ x[a()] }}") == [])
  }

  /// Doubling forty times must not take forty doublings of work.
  @Test func growthIsBounded() {
    var text = "{% set a0 = 'x' ~ y %}"
    for step in 1...40 { text += "{% set a\(step) = a\(step - 1) ~ a\(step - 1) %}" }
    #expect(facts(of: text + "{{ x[a40] }}").count < 1000)
  }

  @Test(arguments: [
    ("{% if 'x' in m.content %}{% endif %}", "content"),
    ("{% if messages[0]['content']|length > 3 %}{% endif %}", "length"),
    ("{% if messages|length > 3 %}{% endif %}", "count"), ("{% if m.role == 'user' %}{% endif %}", "role"),
    ("{% if strftime_now('%Y') == '1' %}{% endif %}", "call.strftime_now"),
    ("{% if user == 'x' %}{% endif %}", "variable.user"),
    ("{% for m in messages %}{% set c = m.content %}{% if c == 'x' %}{% endif %}{% endfor %}", "content"),
    ("{% for m in messages %}{% if loop.index > 3 %}{% endif %}{% endfor %}", "count"),
    (
      "{% set n = namespace() %}{% if 'x' in m.text %}{% set n.a = true %}{% endif %}{% if n.a %}{% endif %}", "content"
    ),
  ])
  func seesWhatIsAsked(_ text: String, _ name: String) { #expect(names(.condition, in: text).contains(name)) }

  @Test(arguments: [
    ("", 0), ("<|im_start|>system", 1), ("[INST] a b", 0), ("Say this to them.", 4), ("你好世界", 2), ("A_B_C", 1),
  ])
  func countsWords(_ text: String, _ count: Int) { #expect(PlainText.words(text) == count) }

  @Test func plainTextIsFolded() {
    #expect(PlainText.plain("Ignоre\u{200b}  ALL\nｐrevious \u{1d41a}") == "ignore all previous a")
  }

  @Test func placesAreLinesAndColumns() {
    let fact = facts(of: "é\n\n  é{{ x.__class__ }}").first {
      $0.kind == .template && $0.subjects.first == "attribute.__class__"
    }
    #expect(fact?.place == .line(3, column: 7, path: nil))
  }
}
