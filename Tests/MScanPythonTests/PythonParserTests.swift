import Testing

@testable import MScanPython

/// The grammar, by samples. What CPython says of each was asked of CPython 3.11; what is newer is marked.
@Suite struct PythonParserTests {
  @Test(arguments: [
    // Statements.
    "pass\n", "pass", "", "\n\n", "# comment", "x = 1; y = 2;\n", "x = y = z = 0\n", "x: int\n", "x: int = 1\n",
    "(x): int = 1\n", "a.b: int\n", "x += 1\n", "a[0] @= b\n", "x //= yield\n", "del a, b.c, d[0]\n", "del (a, [b])\n",
    "assert x, 'no'\n", "raise\n", "raise E from None\n", "return 1, *x\n", "global a, b\n", "nonlocal a\n",
    "import a.b.c as d, e\n", "from . import a\n", "from ...a.b import (c as d, e,)\n", "from .... import *\n",
    "*a, b = c\n", "[a, *b] = (c, d) = e\n", "x = yield\n", "x = yield a, *b\n", "x = await y\n", "print(x, file=y)\n",
    "a; b\n", "if x: pass\nelif y: pass\nelse: pass\n", "while x:\n  pass\nelse:\n  pass\n",
    "for a, *b in c, *d:\n\tpass\nelse:\n\tpass\n", "try: a\nexcept: b\n",
    "try:\n  a\nexcept (A, B) as c:\n  b\nelse:\n  d\nfinally:\n  e\n", "try: a\nfinally: b\n",
    "try: a\nexcept* A as b: c\n", "with a: pass\n", "with a as b, c as (d, e): pass\n",
    "with (a as b, c as d,): pass\n", "with (a, b): pass\n", "with (a).b as c: pass\n", "with (yield a): pass\n",
    "with (a, b) as c: pass\n", "async def f():\n  async with a: pass\n  async for b in c: pass\n  await d\n",
    "def f(a, /, b: int = 1, *args: *Ts, c, d=2, **e) -> int: pass\n", "def f(*, a): pass\n", "def f(a,): pass\n",
    "@a.b(c)\n@d[0]\n@(e := f)\nclass A(B, *C, metaclass=D, **e): pass\n", "class A: pass\n", "class A(): x = 1\n",
    // 3.12
    "def f[T: int, *Ts, **P](a: T) -> T: pass\n", "class A[T](B): pass\n", "type X = int\n", "type X[T] = list[T]\n",
    // 3.13
    "class A[T = int, *Ts = *U]: pass\n",
    // 3.14
    "try: a\nexcept A, B: b\n", "t'{a}'\n", "rt'{a!r:{b}}'\n",
    // Soft keywords.
    "match = 1\n", "match(x)\n", "match[x]\n", "match.x\n", "match * x\n", "match -x\n", "match (x), y\n", "case = 1\n",
    "type = 1\n", "type(x)\n", "type.x\n", "_ = 1\n", "print\n", "match x:\n  case 1: pass\n",
    "match x, *y:\n  case _: pass\n", "match (x):\n  case [a, *_] | (b, c) if d: pass\n",
    "match x:\n  case {'a': 1, **b}: pass\n  case A(b, c=d) as e: pass\n  case -1 | 1+2j | 'a' 'b' | None: pass\n",
    "match x:\n  case a.b | c.d: pass\n  case 1, 2: pass\n  case *a, b,: pass\n  case str() as x: pass\n",
    "match match:\n  case case: match\n",
    // Expressions.
    "()\n", "(a,)\n", "a,\n", "a, b\n", "[]\n", "[a, *b,]\n", "{}\n", "{a, *b}\n", "{a: b, **c}\n", "{**a}\n",
    "a if b else c if d else e\n", "lambda: 0\n", "lambda *, a=1, **b: (yield)\n", "lambda a, /, b=c, *d: a, b\n",
    "lambda x=lambda: 1: x\n", "not not a\n", "a not in b is not c\n", "- - ~a ** -b ** c\n", "await_ = 1\n",
    "a.b.c(d)(e)[f].g\n", "a[b:c:d, ::, :e, f:, *g, h]\n", "a[:]\n", "a[b := 1]\n", "a[b,]\n",
    "f(a, *b, c=d, *e, **f, g=h)\n", "f(a := 1)\n", "f(a for a in b)\n", "f(**a, **b)\n", "f(*a or b)\n",
    "[a for b, in c if d if e for f in g]\n", "{a: b for c in d}\n", "{a async for a in b}\n", "(a for a in b)\n",
    "[x := 1, y := 2]\n", "(x := 1)\n", "if x := y: pass\n",
    "1 if x else 2\n", "x = (1\n  + 2)\n", "x = 1 + \\\n  2\n", "...\n", "a @ b % c // d\n", "a<b>c==d\n",
    "1_000 + 0x_ff + 0b1_0 + 0o17 + 1.5e-3j + .5 + 1. + 0_0 + 1E5\n", "1if x else 2\n", "0xfor x\n", "1 .real\n",
    // Strings.
    "'a' \"b\" r'\\d'\n", "b'a' B\"b\" Rb'c' bR'd'\n", "u'a'\n",
    "'''a\n'b' \"\"\"\n'''\n", "'a\\\nb'\n", "'\\x41\\u0041\\U00000041\\N{EM DASH}\\101'\n", "b'\\u'\n", "r'\\x'\n",
    "f''\n", "f'a{b}c{{d}}'\n", "f'{a!r:>{b}}'\n", "f'{a=}'\n", "f'{a = !s:x}'\n", "f'{a:=5}'\n", "f'{(a:=5)}'\n",
    "f'{a!=b}'\n", "f'{a, b}'\n", "f'{*a, b}'\n", "f'{yield}'\n", "f'{yield a:b}'\n", "f'{a[\"b\"]}'\n",
    "f'{ {1: 2}[1] }'\n",
    "f'{(lambda x: 1)}'\n", "f'''{\na\n}'''\n", "f'''{a:\n}'''\n", "f'a' 'b' f'{c}' 'd'\n", "rf'\\{a}'\n",
    "f'\\N{EM DASH}{a}'\n",
    "f'{a:{b}{c}}'\n", "f'{a:%H:%M}'\n", "F\"{a}\" fR'{b}'\n", "f'{a}' f'{b}'.x\n",
    // 3.12
    "f'{a['b']}'\n", "f'{f'{f'{1}'}'}'\n", "f'{a\n}'\n", "f'{'\\n'.join(a)}'\n", "f'{a # b\n}'\n",
    // Lines.
    "a\r\nb\rc\n", "if a:\r\n  b\r\n", "\u{0c}a\n", "if a:\n\u{0c}  b\n", "if a:\n  b\n # c\n  d\n",
    "if a:\n  if b:\n    c\nd\n", "if a:\n  b\n\n\n  c\n", "x = [\n  1,\n# c\n2]\n", "if a:\n  b",
    // Names.
    "é = ñ.ü\n", "ａ = ｂ\n", "名前 = 1\n", "𝐨𝐬.x\n",
  ])
  func takes(_ text: String) {
    let tree = parse(text)
    #expect(tree.failure == nil, "\(text.debugDescription): \(tree.failure?.problem.description ?? "")")
    #expect(tree.isTree)
  }

  @Test(arguments: [
    "x =\n", "1 = x\n", "f() = 1\n", "a + b = c\n", "(a, 1) = b\n", "x + = 1\n", "a, b += 1\n", "a, b: int\n",
    "del f()\n",
    "del *a\n", "import\n", "import a.\n", "from import a\n", "from a import (b\n", "from a import ()\n",
    "from a import b,\n",
    "return =\n", "if x pass\n", "if x:\n", "if x:\npass\n", "  x\n", "if x:\n  a\n b\n", "else: pass\n",
    "elif x: pass\n",
    "try: a\n", "try: a\nelse: b\n", "except: a\n", "while: a\n", "for x: a\n", "for 1 in x: a\n", "for x y in z: a\n",
    "def f(a, a=1, b): pass\n", "def f(*): pass\n", "def f(*, **a): pass\n", "def f(/): pass\n",
    "def f(a, /, b, /): pass\n",
    "def f(**a, b): pass\n", "def f(a b): pass\n", "def 1(): pass\n", "class: pass\n", "class A(b=1, c): pass\n",
    "@a\nx = 1\n", "async x\n", "async if x: pass\n", "a b\n", "print 'a'\n", "exec 'a'\n", "a ? b\n", "a $ b\n",
    "`a`\n", "a <> b\n",
    "a not b\n", "a == not b\n", "- not a\n", "await -x\n", "a if b\n", "a if b else\n", "a + lambda: b\n",
    "not lambda: a\n",
    "a.1\n", "a.if\n", "a..b\n", "f(a=1, b)\n", "f(**a, b)\n", "f(**a, *b)\n", "f(a b)\n", "f(a for b in c, d)\n",
    "f(1=2)\n",
    "f(a.b=1)\n", "f((a)=1)\n", "f(True=1)\n", "f(a=b:=1)\n", "(*a)\n", "(a\n", "a)\n", "(a]\n", "[a\n", "{a\n",
    "{a: b, c}\n",
    "{a, b: c}\n", "{a:}\n", "{a: *b}\n", "{**a for b in c}\n", "[*a for b in c]\n", "[a for b]\n",
    "[a for b in c, d]\n",
    "[a, b for c in d]\n", "[for a in b]\n", "a[]\n", "a[b:=1:2]\n", "a[b:c:d:e]\n", "a := 1\n", "(a.b := 1)\n",
    "((a) := 1)\n",
    "lambda a, b=1, c: 0\n", "lambda *: 0\n", "yield = 1\n", "x = yield = 1\n", "(yield a for b in c)\n", "a, .b\n",
    "a, (b), [c] d\n",
    "0777\n", "1__0\n", "1_\n", "0x\n", "0b2\n", "0o8\n", "1e\n", "1e+\n", "1abc\n", "1.5a\n",
    "'a\n", "'a\\\n", "'''a\n", "b'é'\n", "'\\x4'\n", "'\\u12'\n", "'\\N{'\n", "'\\U00110000'\n", "'a' b'b'\n",
    "f'a' b'b'\n",
    "f'{'\n", "f'{}'\n", "f'}'\n", "f'{a'\n", "f'{a!}'\n", "f'{a!x}'\n", "f'{a b}'\n", "f'{lambda x: 1}'\n",
    "f'{a:{b'\n",
    "x = 1 + \\ \n  2\n", "x \\", "\\\n", "x\n\\\n y\n", "match x:\n  pass\n", "match x:\n  case: pass\n",
    "match x:\n  case a * b: pass\n", "type X\n", "type X[ = 1\n",
    "if a:\n\tb\n    c\n", "if a:\n\tb\n        c\n", "a\u{0}b\n", "é€ = 1\n", "x = ‘a’\n",
  ])
  func refuses(_ text: String) {
    let tree = parse(text)
    #expect(tree.failure != nil, "\(text.debugDescription)")
    #expect(tree.isTree)
  }

  @Test(arguments: [
    ("a.b(c)", "module(expressionStatement(call(attribute:b(name:a) name:c)))"),
    (
      "-a ** -b * c",
      "module(expressionStatement(binary(unary(binary(name:a unary(name:b))) name:c)))"
    ),
    (
      "a or b and not c == d",
      "module(expressionStatement(boolean(name:a boolean(name:b not(comparison(name:c name:d))))))"
    ),
    ("a if b else c", "module(expressionStatement(conditional(name:b name:a name:c)))"),
    ("x = y = z", "module(assignment(name:x name:y name:z))"),
    (
      "f(a, *b, c=d, **e)",
      "module(expressionStatement(call(name:f name:a starred(name:b) keyword:c(name:d) doubleStarred(name:e))))"
    ),
    ("{a: b, **c}", "module(expressionStatement(dictionary(name:a name:b doubleStarred(name:c))))"),
    ("a[b:c, d]", "module(expressionStatement(item(name:a tuple(slice(name:b name:c) name:d))))"),
    ("a[b, c:d, e]", "module(expressionStatement(item(name:a tuple(name:b slice(name:c name:d) name:e))))"),
    (
      "[a for b, c in d if e]",
      "module(expressionStatement(listComprehension(name:a comprehensionFor(tuple(name:b name:c) name:d name:e))))"
    ),
    ("lambda a, b=c: d", "module(expressionStatement(lambda(parameters(parameter:a parameter:b(name:c)) name:d)))"),
    (
      "f'a{b!r:{c}}' 'd'",
      "module(expressionStatement(strings(formatString(text field(name:b specification(field(name:c)))) string)))"
    ),
    ("import a.b as c, d", "module(importStatement(alias:a.b(name:c) alias:d))"),
    (
      "if a: b\nelif c: d\nelse: e",
      "module(ifStatement(name:a block(expressionStatement(name:b)) elifClause(name:c block(expressionStatement(name:d))) elseClause(block(expressionStatement(name:e)))))"
    ),
    (
      "def f(a: b = c) -> d: pass",
      "module(functionDefinition:f(parameters(parameter:a(name:b name:c)) returns(name:d) block(passStatement)))"
    ),
    (
      "match a:\n  case B(c) as d if e: f",
      "module(matchStatement(name:a block(caseClause(asPattern:d(classPattern(name:B name:c)) guardClause(name:e) block(expressionStatement(name:f))))))"
    ),
    ("ｏｓ.𝘀𝘆𝘀", "module(expressionStatement(attribute:sys(name:os)))"),
    ("import  a . b", "module(importStatement(alias:a.b))"),
  ])
  func builds(_ text: String, _ outline: String) {
    #expect(parse(text).outline() == outline)
  }

  /// Positions as CPython 3.11 and later count them.
  @Test(arguments: [
    ("a(b())", ["1:0 a", "1:2 b"]),
    ("(a)(b)", ["1:0 a"]),
    ("x = (a.b)\\\n .c()", ["1:4 a.b.c"]),
    ("é(ü())", ["1:0 é", "1:3 ü"]),
    ("await f()", ["1:6 f"]),
    ("if x:\n\tf()\r\n\tg()\r\rh()", ["2:1 f", "3:1 g", "5:0 h"]),
    ("f'{a()}{b(c())}'", ["1:3 a", "1:8 b", "1:10 c"]),
    ("f'''\n {a()}\n'''", ["2:2 a"]),
    ("@f(x)\nclass A(g()): pass", ["1:1 f", "2:8 g"]),
    ("a()()", ["1:0 ?", "1:0 a"]),
    ("[f(x) for x in g()]", ["1:1 f", "1:15 g"]),
  ])
  func countsPlaces(_ text: String, _ calls: [String]) {
    let tree = parse(text)
    #expect(tree.failure == nil)
    #expect(tree.calls == calls)
  }

  /// What is said of files that no Python 3 takes: calls in them are found all the same.
  @Test(arguments: [
    ("print 'a', f(1)\ng()", ["f", "g"]),
    ("print f('x')", ["f"]),
    ("exec f() in g()", ["f", "g"]),
    ("raise E, f()\ng()", ["f", "g"]),
    ("x = f(g(1), h(2) i(3)\nj()", ["f", "g", "h", "i", "j"]),
    ("x = (f(1), \ndef a():\n  g()\nimport b\nh()", ["f", "g", "h"]),
    ("if f() g():\n  h()\nelse:\n  i()", ["f", "g", "h", "i"]),
    ("class A(f()\n  def b(self):\n    g()", ["f", "g"]),
    ("  f()\ng()", ["f", "g"]),
    ("x = 0777 + f()\n`g()`", ["f", "g"]),
    ("f'{a b}' + f()\ng()", ["f", "g"]),
    ("f'''{a b}\n''' + f()\ng()", ["f", "g"]),
    ("'''f()\ng()", ["f", "g"]),
    ("f'''{x}\ng()", ["g"]),
    ("x = 'abc\nf()", ["f"]),
    ("try:\n  f()\nexcept E e:\n  g()\n", ["f", "g"]),
    ("def f(a, (b, c)):\n  g()\n", ["g"]),
    ("a\u{0}b\nf()", ["f"]),
    ("{% if x %}\nf()\n{% endif %}\n", ["f"]),
    ("match x:\n  f()\n", ["f"]),
    ("@f()\n1 + g()\n", ["f", "g"]),
    ("for x in f() g():\n  h()\n", ["f", "g", "h"]),
    ("lambda x=f() y: g()\n", ["f", "g"]),
    ("[f(a) for b in g(c) d]\nh()", ["f", "g", "h"]),
    ("with f() as 1:\n  g()\n", ["f", "g"]),
  ])
  func searchesWhatIsBroken(_ text: String, _ names: [String]) {
    let tree = parse(text)
    #expect(tree.failure != nil)
    #expect(tree.isTree)
    #expect(Set(tree.calls.compactMap { $0.split(separator: " ").last.map(String.init) }).isSuperset(of: names))
  }
}
