import MScanBytes
import MScanFacts
import Testing

@testable import MScanJinja

/// Renderings as Jinja2 3.1 gives them with the settings of transformers.
@Suite struct JinjaRunTests {
  private static var messages: RenderValue {
    .list(
      [("user", "  Hi, 1 & 2  "), ("assistant", "b"), ("user", "c d")].map { role, content in
        .dict([("role", .text(role)), ("content", .text(content))])
      })
  }

  private func render(_ template: String, steps: Int = 100_000) throws(JinjaRun.Stop) -> String {
    let tree = JinjaParser.parse(Array(template.utf8), bounds: JinjaParser.Bounds(nodes: 10_000, depth: 100))
    var run = JinjaRun(tree, steps: steps, inputs: ["messages": Self.messages])
    return try run.render()
  }

  @Test(
    arguments: [
      ("{{ messages[0].content.strip() }}|{{ messages[-1]['content'] }}", "Hi, 1 & 2|c d"),
      (
        "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ loop.last }}{{ m.content|trim }},{% else %}none{% endfor %}",
        "1FalseHi, 1 & 2,2Truec d,"
      ),
      (
        "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role[:4] }}{% if loop.index0 == 1 %}{% break %}{% endif %}{% endfor %}",
        "assi"
      ),
      (
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + m.content|length %}{% endfor %}{{ ns.n }}",
        "17"
      ),
      ("{% macro f(a, b='x') %}[{{ a }}{{ b }}]{% endmacro %}{{ f('1') }}{{ f('1', b=2) }}", "[1x][12]"),
      ("{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{% endcall %}", "<in>"),
      ("{{ 'abc'[::-1] }}{{ 'abcdef'[1:-1:2] }}{{ [1,2,3][-2:] }}", "cbabd[2, 3]"),
      ("{{ 'a,b,c'.split(',')|join('-') }}{{ 'a-b'.replace('-', '+') }}{{ 'x'|upper }}", "a-b-ca+bX"),
      ("{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|list|length }}", "2"),
      (
        "{{ messages|rejectattr('role', 'in', ['user'])|list|tojson }}",
        "[{\"role\": \"assistant\", \"content\": \"b\"}]"
      ),
      (
        "{{ missing is defined }}{{ missing|default('d') }}{{ none is none }}{{ 3 is odd }}{{ 'a' in 'cat' }}{{ 'k' in {'k': 1} }}",
        "FalsedTrueTrueTrueTrue"
      ),
      (
        "{{ 7 // 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 7 / 2 }}{{ 2 ** 5 }}{{ 1 + 2 * 3 }}{{ '%s-%c' % ('a', 66) }}",
        "3-423.5327a-B"
      ),
      ("{{ 'yes' if messages|length > 2 else 'no' }}{{ 1 < 2 < 3 }}{{ not false and (false or 'v') }}", "yesTruev"),
      ("{% filter upper %}ab{{ 'c' }}{% endfilter %}{% set x %}q{{ 1 }}{% endset %}{{ x }}", "ABCq1"),
      (
        "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ range(1, 7, 2)|list }}{{ {'a': [1, 'b', true, none]}|tojson }}",
        "3[1, 3, 5]{\"a\": [1, \"b\", true, null]}"
      ),
      (
        "{{ 'Hello world'|title }}{{ 'hELLO'|capitalize }}{{ 'a b'|replace(' ', '_') }}{{ '5'|int + 1 }}{{ 'x' ~ 1 ~ none }}",
        "Hello WorldHelloa_b6x1None"
      ),
      (
        "{{ messages[0].content|e }}{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('c', 'd')) }}{{ 'Ab'.isupper() }}{{ 'a\nb'.splitlines() }}",
        "  Hi, 1 &amp; 2  TrueTrueFalse['a', 'b']"
      ),
      (
        "{% set t = {'a': 'A', 'b': 'B'} %}{% for k, v in t.items() %}{{ k }}{{ v }}{% endfor %}{{ t.get('z', 'Z') }}{{ t['a'] }}",
        "aAbBZA"
      ),
      ("{%- for m in messages -%} {{ m.role }} {%- endfor -%} end", "userassistantuserend"),
      ("{{ [1, 2, 3]|batch(2, 0)|list }}{{ [1, 2, 3]|slice(2, 0)|list }}", "[[1, 2], [3, 0]][[1, 2], [3, 0]]"),
      ("{% for r, g in messages|groupby('role') %}{{ r }}{{ g|length }}{% endfor %}", "assistant1user2"),
      ("{% for m in messages|sort(attribute='role', reverse=true) %}{{ m.role }}{% endfor %}", "useruserassistant"),
      ("{{ ['b', 'A', 'a']|sort|join }}{{ ['b', 'A', 'a']|unique|join }}", "AabbA"),
      ("{{ 'ab'.center(-9223372036854775807 - 1) }}", "ab"),
      ("{{ 'ab'.center(5) }}|{{ 'a'.center(4) }}|{{ 'a'.ljust(2) }}|{{ '7'.zfill(3) }}", "  ab | a  |a |007"),
      ("  {% if true %}\nline\n  {% endif %}\nlast", "line\nlast"),
    ])
  func renders(_ template: String, _ expected: String) throws {
    #expect(try render(template) == expected)
  }

  @Test(
    arguments: [
      ("{{ raise_exception('no') }}", JinjaRun.Stop.refused), ("{{ messages|unheard_of }}", .unknown),
      ("{% include 'x' %}", .unknown), ("{{ 'x' * 999999999 }}", .tooLarge), ("{{ 9 ** 99999 }}", .tooLarge),
      ("{{ '%999999999d'|format(1) }}", .tooLarge), ("{{ range(999999999)|list }}", .tooLong),
      ("{% for a in range(999) %}{% for b in range(999) %}{{ a }}{% endfor %}{% endfor %}", .tooLong),
      ("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", .tooLong),
      ("{{ [1]|batch(999999999, 0) }}", .tooLarge), ("{{ [1]|slice(999999999) }}", .tooLarge),
      ("{{ [1, 2] * 999999999 }}", .tooLarge), ("{{ '{:>999999999}'.format(1) }}", .tooLarge),
      ("{{ '%*d'|format(999999999, 1) }}", .tooLarge), ("{{ 'x'.center(999999999) }}", .tooLarge),
    ])
  func stops(_ template: String, _ stop: JinjaRun.Stop) {
    #expect(throws: stop) { try render(template) }
  }
}
