import MScanBytes
import MScanFacts
import Testing

@testable import MScanPython

/// What names stand for, what constants come to, and when code runs.
@Suite struct PythonMeaningTests {
  /// Calls of the file, as `moment subjects`.
  private func calls(_ text: String) -> [String] {
    readPython(Array(text.utf8)).facts.compactMap { fact in
      guard case .callable(let callable) = fact.payload else { return nil }
      return callable.when.joined() + " " + callable.subjects.joined(separator: "|")
    }
  }

  @Test(arguments: [
    "import os\nos.system('x')",
    "import os as a\na.system('x')",
    "from os import system as f\nf('x')",
    "import os.path\nos.system('x')",
    "f = __import__('os').system\nf('x')",
    "import os\nf = g = os.system\ng('x')",
    "import os\na, b = os.popen, os.system\nb('x')",
    "import os\ngetattr(os, 'sys' + 'tem')('x')",
    "import os\ngetattr(os, 'metsys'[::-1])('x')",
    "import os\ngetattr(os, ''.join(['s', 'ys', 'tem']))('x')",
    "import os\ngetattr(os, '%s%s' % ('sys', 'tem'))('x')",
    "import os\ngetattr(os, '{}{b}'.format('sys', b='tem'))('x')",
    "import os\na = 'sys'\ngetattr(os, f'{a}tem')('x')",
    "import os\na = 'sys'\na += 'tem'\ngetattr(os, a)('x')",
    "import os\ngetattr(os, chr(115) + 'ystem')('x')",
    "import os\ngetattr(os, bytes([115, 121, 115, 116, 101, 109]).decode())('x')",
    "import os\ngetattr(os, bytes.fromhex('73797374656d').decode())('x')",
    "import os, base64\ngetattr(os, base64.b64decode('c3lzdGVt').decode())('x')",
    "import os, codecs\ngetattr(os, codecs.decode('flfgrz', 'rot13'))('x')",
    "import os\ngetattr(os, 'SYSTEM'.lower())('x')",
    "import os\ngetattr(os, 'sXysXtem'.replace('X', ''))('x')",
    "import os\nos.__dict__['system']('x')",
    "import os\nos.__dict__.__getitem__('system')('x')",
    "import os\nos.__dict__.copy().get('system')('x')",
    "import os\nos.__dict__.setdefault('system', 0)('x')",
    "import os\ndict(os.__dict__)['system']('x')",
    "import os\ndict(os.__dict__.items())['system']('x')",
    "import os\n({} | os.__dict__)['system']('x')",
    "import os\n{**os.__dict__}['system']('x')",
    "import os\nd = {**os.__dict__}\nd = {**d, **d}\nd['system']('x')",
    "import os\nmatch os.__dict__:\n  case {'system': f}: f('x')",
    "import os\ndef f(system, **k): system('x')\nf(**os.__dict__)",
    "import os\ndef f(a, run=None): run('x')\nf(1, run=os.system)",
    "import os\ndef f(run): run('x')\nf(**{'run': os.system})",
    "import os\nfor name, f in [('a', os.system)]: f('x')",
    "import os\nfor name, f in {'a': os.system}.items(): f('x')",
    "import os\nfor i, f in enumerate([os.system]): f('x')",
    "import os\nfor a, f in zip([1], [os.system]): f('x')",
    "import os\nos.getpid.__self__.system('x')",
    "import os, types\ntypes.ModuleType.__getattribute__(os, 'system')('x')",
    "import os\nsuper(type(os), os).__getattribute__('system')('x')",
    "import os\nclass X:\n  __m = os.system\nX._X__m('x')",
    "import os\nglobals().get('os').system('x')",
    "import os\nglobals().__getitem__('os').system('x')",
    "import os\ngetattr(os, ''.join(map(lambda c: chr(ord(c) - 1), 'tztufn')))('x')",
    "import sys\nsys.modules.get('os').system('x')",
    "import os\nvars(os)['system']('x')",
    "import os\nglobals()['os'].system('x')",
    "import sys\nsys.modules['os'].system('x')",
    "import importlib\nimportlib.import_module('os').system('x')",
    "from importlib import import_module as i\ni('o' 's').system('x')",
    "import os\n(lambda f: f('x'))(os.system)",
    "import os\n(lambda: os.system)()('x')",
    "import os\ndef f():\n  return os.system\nf()('x')",
    "import os\nd = {'a': os.system, 'b': print}\nd['a']('x')",
    "import os\nd = {}\nd['a'] = os.system\nd['a']('x')",
    "import os\n[os.system][0]('x')",
    "import os\nfor f in [os.system]: f('x')",
    "import os\nclass A:\n  f = os.system\nA.f('x')",
    "import os\nclass A: pass\nA.f = os.system\nA.f('x')",
    "import os\n(os.system if 1 else print)('x')",
    "import os\n(None or os.system)('x')",
    "import os\nif (f := os.system): f('x')",
    "import os\nmatch os.system:\n  case f: f('x')",
    "import os\nmatch (1, os):\n  case (_, f): f.system('x')",
    "import os\nmatch [1, os]:\n  case [_, f] if f: f.system('x')",
    "import os\nmatch {'a': 1, 'b': os}:\n  case {'a': 1, 'b': f}: f.system('x')",
    "import os\nmatch os:\n  case object(system=f): f('x')",
    "import os\nmatch os.system:\n  case None | object() as f: f('x')",
    "import os\ndef a():\n  f = print\n  def b():\n    nonlocal f\n    f = os.system\n  b()\n  f('x')\na()",
    "import os\ndef a(): f('x')\na.__globals__['f'] = os.system\na()",
    "import os\ndef a(): f('x')\na.__globals__.update(f=os.system)\na()",
    "import os, functools\nfunctools.partial(os.system, 'x')()",
    "import os, operator\noperator.attrgetter('system')(os)('x')",
    "import os\n[f for f in (os.system, os.popen) if f.__name__ == 'system'][0]('x')",
    "import os\nnext(iter([os.system]))('x')",
    "import os\nmax({os.system}, key=str)('x')",
    "import os\ndef f(): yield os.system\nfor g in f(): g('x')",
    "import os\ndef f(): yield os.system\nwith f() as g: g('x')",
    "import os\nf, = [os.system for _ in 'a']\nf('x')",
    "import os\nglobals().update({'f': os.system})\nf('x')",
    "import os\nglobals().update(f=os.system)\nf('x')",
    "import os\nlocals()['f'] = os.system\nf('x')",
    "import os, sys\nsetattr(sys.modules[__name__], 'f', os.system)\nf('x')",
    "import os\nfrom functools import reduce\nreduce(getattr, ['system'], os)('x')",
    "import os\nfrom functools import reduce\nreduce(getattr, 'os.system'.split('.')[1:], os)('x')",
    "import os, operator\noperator.methodcaller('system', 'x')(os)",
    "import os, atexit\natexit.register(os.system, 'x')",
    "import os\nlist(map(os.system, ['x']))",
    "import os\n@os.system\ndef f(): pass",
    "import os\ndef f(a=os.system('x')): pass",
    "import os\nclass A:\n  os.system('x')",
    "import os\nclass A:\n  [os.system('x') for a in (1,)]",
    "import os\ndef f():\n  os.system('x')\nf()",
    "import os\ndef f():\n  os.system('x')\n@f\ndef g(): pass",
    "import os\ndef __getattr__(name):\n  os.system('x')",
    "import os\nclass A:\n  def __init_subclass__(cls):\n    os.system('x')",
    "import os\nclass M(type):\n  def __new__(cls):\n    os.system('x')",
    "import os\nclass A:\n  def __init__(self):\n    self.f()\n  def f(self):\n    os.system('x')\nA()",
    "from os import *\nsystem('x')",
    "import os\nos.system.__call__('x')",
    "import os\ntry: os.system('x')\nexcept Exception: pass",
    "import os\nx = ｏｓ.system('x')",
    // What takes its values from itself, by way of others.
    "import os\na = b = None\nfor _ in '12':\n  b = a or os.system\n  a = b\nb('x')",
    "import os\na = b = None\nfor _ in '12':\n  b = a or os.system\n  a = b\na('x')",
    "import os\na = b = c = None\nfor _ in '123':\n  a = b or c\n  b = c or a\n  c = a or b or os.system\na('x')",
    "import os\na = b = c = None\nfor _ in '123':\n  c = a or b\n  b = c or a\n  a = c or b or os.system\nb('x')",
    "import os\nx = os\nx = x.system\nx('x')",
    "import torch\nx = torch\nx = x.os\nx = x.system\nx('x')",
    "import os\nclass A:\n  def __init__(self):\n    self.a = self.b\n    self.b = self.a or os.system\n    self.a('x')\nA()",
    "import os\ndef f(n): return g(n - 1) if n else os.system\ndef g(n): return f(n - 1)\ng(3)('x')",
    "import os\na = [b for b in (c, os.system)][1]\nc = a\nc('x')",
    // One of several things in a list.
    "import os\nf = print\nf = os.system\n[f][0]('x')",
    "import os\nf = print\nf = os.system\nfor k, g in {'a': f}.items(): g('x')",
    "import os\na, *b = [1, os.system]\nb[0]('x')",
    "import os, itertools\nfor f in itertools.chain([print], [os.system]): f('x')",
    "import os, collections\ncollections.deque([os.system]).popleft()('x')",
    "import os, operator\noperator.itemgetter(1)([print, os.system])('x')",
    "import os\nd = {'a': os.system}\nk, f = d.popitem()\nf('x')",
    "import os\nq = []\nq.append((os.system, 'x'))\nfor f, a in q: f(a)",
    "import os\nq = set()\nq.add(os.system)\nfor f in q: f('x')",
    // Among many others.
    "import os\n" + lines(40) { "def p\($0)(x): pass\nf = p\($0)" } + "f = os.system\n[f][0]('x')",
    "import os\n" + lines(40) { "def p\($0)(x): pass" } + "for f in [" + names + "os.system]: f('x')",
    "import os\nq = []\n" + lines(40) { "def p\($0)(x): pass\nq.append(p\($0))" }
      + "q.append(os.system)\nfor f in q: f('x')",
    "import os\nd = lambda f: f()\n" + lines(40) { "@d\ndef p\($0)(): pass" } + "@d\ndef g(): os.system('x')",
    "import os\nclass A:\n  def run(self): self.f()\n" + lines(40) { "class B\($0)(A):\n  def f(self): pass" }
      + "class C(A):\n  def f(self): os.system('x')\nC().run()",
    "import os\nf = super\nf = lambda: os.system\nf()('x')",
    // What Python calls without being asked by name.
    "import os\nclass A:\n  @property\n  def f(self): return os.system\nA().f('x')",
    "import os\nclass A:\n  def __getattr__(self, n): return os.system\nA().f('x')",
    "import os\nclass A:\n  def __getitem__(self, n): return os.system\nA()[0]('x')",
    "import os\nclass A:\n  def __class_getitem__(cls, n): return os.system\nA[0]('x')",
    "import os\nclass A:\n  def __enter__(self): return os.system\nwith A() as f: f('x')",
    "import os\nclass A:\n  def __iter__(self): yield os.system\nfor f in A(): f('x')",
    "import os\nclass A:\n  def __next__(self): return os.system\nnext(A())('x')",
    "import os\nclass A:\n  __call__ = os.system\nA()('x')",
    "import os\ndef d(f): return os.system\n@d\ndef g(): pass\ng('x')",
    "import os\nd = lambda f: f()\n@d\ndef g(): os.system('x')",
    "import os\ndef d(a):\n  def e(f): f()\n  return e\n@d(1)\ndef g(): os.system('x')",
    "import os\nclass A:\n  def f(self): os.system('x')\nclass B(A):\n  def f(self): super().f()\nB().f()",
    "import os\nclass A:\n  def run(self): self.f()\nclass B(A):\n  def f(self): os.system('x')\nB().run()",
    "import os\nclass A:\n  def f(self): os.system('x')\n  @classmethod\n  def make(cls): return cls()\nA.make().f()",
    "import os\nclass A:\n  def f(self): os.system('x')\n  def go(self): type(self)().f()\nA().go()",
    "import os\nclass A:\n  def f(self): os.system('x')\n  def go(self): self.__class__().f()\nA().go()",
    "import os\ng = lambda o, n: getattr(o, n)\ng(os, 'system')('x')",
    "a = b = 'no'\nfor _ in '12':\n  b = a\n  a = b or 'os'\na = a or 'os'\n__import__(b).system('x')",
  ])
  func findsWhatRunsAtImport(_ text: String) {
    let found = calls(text).contains {
      $0.hasPrefix("import ") && $0.dropFirst(7).split(separator: "|").contains("os.system")
    }
    #expect(found, "\(calls(text))")
  }

  @Test(arguments: [
    ("import os\nclass A:\n  def __init__(self):\n    os.system('x')", "construction os.system"),
    (
      "import os\nclass A:\n  def __init__(self):\n    self.g()\n  def g(self):\n    os.system('x')",
      "construction os.system"
    ),
    ("import os\nclass A:\n  def __del__(self):\n    os.system('x')", "construction os.system"),
    ("import os\ndef f():\n  os.system('x')", "call os.system"),
    ("import os\nf = lambda: os.system('x')", "call os.system"),
    ("import os\nif __name__ == '__main__':\n  os.system('x')", "call os.system"),
    ("import os\nif __name__ != '__main__':\n  os.system('x')", "import os.system"),
    ("exec('x')", "import builtins.exec"),
    ("__builtins__.exec('x')", "import builtins.exec"),
    ("__builtins__['ex' 'ec']('x')", "import builtins.exec"),
    ("().__class__.__base__.__subclasses__()[0]().__init__.__globals__['__builtins__']['exec']('x')", "import ?"),
    ("def f(os):\n  os.system('x')", "call ?.system"),
    ("def exec(x): pass\nexec('x')", "import exec"),
    ("from .a import b\nb.c()", "import .a.b.c"),
    ("import os\ngetattr(os, input())('x')", "import os.?"),
    ("import os\nfor k, f in os.__dict__.items(): f('x')", "import os.?"),
    ("import os\nnext(f for k, f in os.__dict__.items() if k)('x')", "import os.?"),
    ("import os\nos.__dict__.popitem()[1]('x')", "import os.?"),
    ("import os\nos.__dict__[input()]('x')", "import os.?"),
    ("print.__self__.exec('x')", "import builtins.exec"),
    ("f.__init__.__globals__['__builtins__']['exec']('x')", "import builtins.exec"),
    ("import builtins\nbuiltins.__dict__.copy()['exec']('x')", "import builtins.exec"),
    ("getattr(__import__(input()), input())('x')", "import ?.?"),
    ("__import__(''.join(t[c] for c in '12')).system('x')", "import ?.system"),
    ("n = ''\nfor c in 'pt': n += chr(ord(c) - 1)\ngetattr(__import__(n), n)('x')", "import ?.?"),
    (
      "def d(s):\n  o = ''\n  for c in s:\n    o += chr(ord(c) - 1)\n  return o\ngetattr(__import__(d('pt')), d('f'))('x')",
      "import ?.?"
    ),
    ("globals()[input()].__dict__[input()]('x')", "import ?.?"),
    ("globals()[input()].system('x')", "import ?.system"),
    ("import os\nclass N:\n  @classmethod\n  def INPUT_TYPES(cls):\n    os.system('x')", "construction os.system"),
    ("class N:\n  FUNCTION = 'go'\n  def go(self, x):\n    eval(x)", "forward builtins.eval"),
    ("class N:\n  FUNCTION = 'go'\n  def come(self, x):\n    eval(x)", "call builtins.eval"),
    ("import importlib\nimportlib.import_module(f'.{name}', __package__).run('x')", "import ?.run"),
    ("import os\nclass A:\n  __add__ = os.system", "import os.system"),
    // A decorator hands on what it is given to be looked at.
    (
      "import functools\ndef d(f):\n  @functools.wraps(f)\n  def w(): return 1\n  return w\n@d\ndef g(): eval(x)",
      "call builtins.eval"
    ),
  ])
  func saysWhenAndWhat(_ text: String, _ call: String) {
    #expect(calls(text).contains(call), "\(calls(text))")
  }

  @Test(arguments: [
    ("exec('f()')", "python", "f()"),
    ("import base64\neval(base64.b64decode('ZigpCg=='))", "python", "f()\n"),
    ("exec(''.join(chr(c ^ 1) for c in [103, 41, 40]))", "python", "f()"),
    ("exec(bytes(b ^ 7 for b in b'a/.').decode())", "python", "f()"),
    ("'''f()'''\nexec(__doc__)", "python", "f()"),
    ("import zlib\nexec(zlib.decompress(bytes.fromhex('789c4bd3d0040001ae00b8')))", "python", "f()"),
    ("import pickle\npickle.loads(b'N.')", "pickle", "N."),
  ])
  func constantsAreFilesOfTheirOwn(_ text: String, _ format: String, _ content: String) {
    let sink = readPython(Array(text.utf8))
    let child = sink.children.first
    #expect(child?.format == format)
    #expect(child.map { String(decoding: $0.source.prefix(100), as: UTF8.self) } == content)
  }

  private static func lines(_ count: Int, _ line: (Int) -> String) -> String {
    (0..<count).map { line($0) + "\n" }.joined()
  }

  private static let names = (0..<40).map { "p\($0), " }.joined()
  private static let chain = (0..<60).map { " or a\($0)" }.joined()

  /// Names that lead to one another, long chains, and texts that double: each ends.
  @Test(arguments: [
    "a = b\nb = a\na()",
    "def f(): return f()\nf()()",
    "f = lambda: f\nf()()()",
    "class A(A): pass\nA.b()",
    "x = [x for x in x]\nx()",
    "x = {**x}\nx['a']()",
    "x = {**x, **x, **x, **x}\ny = {**x, **y}\nfor a, b in y.items(): y['a'](b)",
    "def f(a, **k): f(**k); k['a'](**{**k})\nf(**{'a': f, **f})",
    "x = map(lambda a: map(lambda b: x, a), x)\nx()",
    "x = dict(x.items())\nx.get('a')()",
    "a = 'x' * 1000000\nb = a * 1000000\nexec(b)",
    (0..<200).map { "a\($0 + 1) = a\($0) + a\($0)" }.reversed().joined(separator: "\n") + "\na0 = 'x'\nexec(a200)",
    "a0 = 'x'\n" + (0..<200).map { "a\($0 + 1) = a\($0) + a\($0)" }.joined(separator: "\n") + "\nexec(a200)",
    "import os\na0 = os.system\n" + (0..<2000).map { "a\($0 + 1) = a\($0)" }.joined(separator: "\n") + "\na2000('x')",
    "x" + String(repeating: ".a()", count: 20_000),
    "exec(" + String(repeating: "'a' + ", count: 20_000) + "'b')",
    "exec([" + String(repeating: "[", count: 150) + "1" + String(repeating: "]", count: 150) + "])",
    "x = [[[[c for c in a] for a in b] for b in range(9)] for d in [1, 2]]\nx()",
    "import os\nx = os\n" + lines(60) { "x = x.b\($0)" } + "x('x')",
    "import os\nx = y = z = os\n" + lines(30) { "x = y.b\($0)\ny = z.c\($0)\nz = x.d\($0)" },
    "a0 = print\n" + lines(60) { "a\($0) = a0" + chain } + "a59('x')",
    "s = ''\n" + lines(300) { "s = s + '\($0)'" } + "__import__(s)",
    "a = [b for c in a for b in (a, c)]\nb = [a for a in b if c]\nc = b or a\nc()",
  ])
  func ends(_ text: String) {
    #expect(readPython(Array(text.utf8)).keepsTheLaws)
  }

  @Test func aNameThatStandsForANameIsFollowedFar() {
    let text =
      "import os\na0 = os.system\n" + (0..<2000).map { "a\($0 + 1) = a\($0)" }.joined(separator: "\n") + "\na2000('x')"
    #expect(calls(text) == ["import os.system"])
  }
}
