import MScanBytes
import MScanFacts
import Testing

@testable import MScanPython

@Suite struct PythonFormatTests {
  static let sample = """
    # coding: utf-8
    import os.path as p, sys
    from .a import (b as c, d)
    from .. import *
    @decorate(1)
    class Model(Base[int], metaclass=Meta):
        x: int = field(default=f'{b()!r:>{w}}')
        async def forward(self, *, y="é", **z) -> None:
            with open(p) as f, lock():
                match f.read():
                    case [A(b), *_] if c(): return {k: v for k in g() if k}
            try: os.system("echo x")
            except (E, F) as e: raise E(e) from None
    """

  @Test func statesCallsAndImports() {
    let sink = readPython(Array(Self.sample.utf8))
    #expect(sink.anomalies.isEmpty)
    #expect(sink.pythonImports == ["2:0 os.path", "2:0 sys", "3:0 .a.b", "3:0 .a.d", "4:0 ..*"])
    #expect(
      sink.pythonCalls == [
        "5:1 decorate(1)", "7:13 field(default=f'{b()!r:>{w}}')", "7:30 b()", "9:13 open(p)",
        "9:18 os.path()", "9:27 lock()", "10:18 (builtins.open).read()", "11:35 .a.b()", "11:62 g()",
        "12:13 os.system(\"echo x\")",
        "13:34 E(e)",
      ])
    #expect(sink.keepsTheLaws)
  }

  @Test(arguments: [
    ("x = 1\n", []),
    ("", []),
    ("print 'a'\n", ["python.malformed"]),
    ("a\u{0}b\n", ["python.malformed"]),
    ("# coding: rot13\nx\n", ["python.malformed"]),
    ("# coding: no-such-codec\nx\n", ["python.malformed"]),
    ("# coding: shift_jis\nx\n", ["python.unsupported!"]),
    ("\u{feff}# coding: latin-1\nx\n", ["python.malformed"]),
    ("\u{feff}# coding: utf-8\nx\n", []),
    ("# -*- coding: utf-8-unix -*-\nx\n", []),
    ("# vim: set fileencoding=ascii :\nx = 'é'\n", ["python.malformed"]),
  ])
  func notes(_ text: String, _ anomalies: [String]) {
    #expect(readPython(Array(text.utf8)).anomalies == anomalies)
  }

  /// The bytes that CPython would see, by the codec that the first lines name.
  @Test(arguments: [
    ("# coding: latin-1\nf('\u{e9}', g())\n", ["2:0 f('é', g())", "2:8 g()"]),
    ("#!/x\n# coding=cp1252\nf('\u{80}')\n", ["3:0 f('€')"]),
    ("x = 1\n#\n# coding: latin-1\nf()\n", ["4:0 f()"]),
    ("# coding: utf-7\n# +AAo-f()\n", ["3:0 f()"]),
    ("# coding: unicode_escape\n# \\n\\x66()\n", ["3:0 f()"]),
    ("# coding: unicode_escape\n# \\n\\146()\n", ["3:0 f()"]),
    ("# coding: raw_unicode_escape\n# \\u000af()\n", ["3:0 f()"]),
    ("# coding: raw_unicode_escape\n# \\\\u000af()\n", []),
    ("# coding: koi8-r\nf('\u{c1}')\n", ["2:0 f('а')"]),
  ])
  func decodes(_ text: String, _ calls: [String]) {
    let sink = readPython(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    #expect(sink.anomalies.isEmpty)
    #expect(sink.pythonCalls == calls)
    #expect(sink.keepsTheLaws)
  }

  /// Ranges lie in the file, not in the decoded text.
  @Test func rangesOfLatin1AreOfTheFile() {
    let bytes = "# coding: latin-1\nx = '\u{e9}\u{e9}'; f()\n".unicodeScalars.map {
      UInt8(truncatingIfNeeded: $0.value)
    }
    let sink = readPython(bytes)
    let fact = sink.facts.first { $0.kind == .callable }
    #expect(fact?.range == ByteRange(28, 31))
    #expect(fact?.place == .source(line: 2, column: 12))
  }

  @Test func namesAreComparedAsPythonDoes() {
    #expect(readPython(Array("ｏｓ.ｓｙｓｔｅｍ('x')\n".utf8)).pythonCalls == ["1:0 os.system('x')"])
    #expect(readPython(Array("ﬁle()\n".utf8)).pythonCalls == ["1:0 file()"])
    #expect(readPython(Array("e\u{301}()\n".utf8)).pythonCalls == ["1:0 \u{e9}()"])
    #expect(readPython(Array("각()\n".utf8)).pythonCalls == ["1:0 각()"])
  }

  @Test func everyPrefixAndEveryChangedByteEndsInFacts() {
    let sample = Array(Self.sample.utf8)
    for count in 0...sample.count {
      let sink = readPython(Array(sample[..<count]))
      #expect(sink.keepsTheLaws, "prefix of \(count)")
    }
    for index in sample.indices {
      for change in [UInt8(0), 0xff, sample[index] ^ 1, UInt8(ascii: "("), UInt8(ascii: "'"), UInt8(ascii: "\n")] {
        var bytes = sample
        bytes[index] = change
        let sink = readPython(bytes)
        #expect(sink.keepsTheLaws, "byte \(index) is \(change)")
        #expect(PythonParser.parse(bytes).isTree, "byte \(index) is \(change)")
      }
    }
  }

  // MARK: - Bounds

  static func nested(_ count: Int) -> String {
    (0..<count).map { String(repeating: " ", count: $0) + "if x:\n" }.joined() + String(repeating: " ", count: count)
      + "f()\n"
  }

  struct Deep: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let anomalies: Set<String>
    let isFound: Bool

    init(_ name: String, _ text: String, _ anomalies: Set<String>, _ isFound: Bool) {
      (testDescription, self.text, self.anomalies, self.isFound) = (name, text, anomalies, isFound)
    }
  }

  /// Input that is deep or long, and what is said of it; whether the call at its end is found.
  static let deep: [Deep] = [
    Deep("brackets", String(repeating: "(", count: 100_000), ["limit.pythonDepth!", "python.malformed"], false),
    Deep(
      "brackets in pairs", String(repeating: "[", count: 1000) + "f()" + String(repeating: "]", count: 1000),
      ["python.malformed"], true
    ),
    Deep("signs", "x = " + String(repeating: "-", count: 50_000) + "f()", [], true),
    Deep("words", "x = " + String(repeating: "not ", count: 50_000) + "f()", [], true),
    Deep("lambdas", "x = " + String(repeating: "lambda: ", count: 50_000) + "f()", [], true),
    Deep("conditions", "x = " + String(repeating: "a if b else ", count: 50_000) + "f()", [], true),
    Deep("attributes", "x" + String(repeating: ".a", count: 100_000) + "\nf()", [], true),
    Deep("calls", "x" + String(repeating: "()", count: 50_000) + "\nf()", [], true),
    Deep("sums", "x = 1" + String(repeating: " + 1", count: 100_000) + "\nf()", [], true),
    Deep("powers", "x = 1" + String(repeating: "**1", count: 50_000) + "\nf()", ["limit.pythonMeaning!"], true),
    Deep("one line", "x = [" + String(repeating: "1,", count: 500_000) + "f()]", [], true),
    Deep("one line of statements", String(repeating: "x;", count: 100_000) + "f()", [], true),
    Deep("literals", "x = " + String(repeating: "f'{a}' 'b' ", count: 50_000) + "\nf()", [], true),
    Deep(
      "fields", "x = " + String(repeating: "f'{", count: 1000) + "f()" + String(repeating: "}'", count: 1000),
      ["limit.pythonMeaning!", "python.malformed"], true
    ),
    Deep("chain of elif", "if x: a\n" + String(repeating: "elif x: a\n", count: 50_000) + "f()", [], true),
    Deep("blocks", nested(1000), ["python.malformed"], true),
    Deep("blocks without bodies", String(repeating: "if x:\n", count: 100_000) + "f()\n", ["python.malformed"], true),
    Deep("open blocks on a line", String(repeating: "if x:", count: 20_000) + "f()\n", ["python.malformed"], true),
    Deep("open strings", String(repeating: "'''\\", count: 50_000), ["python.malformed"], false),
    Deep("open fields", String(repeating: "f'''{", count: 20_000), ["python.malformed"], false),
    Deep(
      "words that start nothing", String(repeating: "lambda ", count: 100_000) + "\nf()\n", ["python.malformed"], true),
    Deep(
      "statements in brackets", String(repeating: "(\nimport x\n", count: 20_000) + "f()\n", ["python.malformed"], true),
    Deep("matches", String(repeating: "match (x)\n", count: 20_000) + "f()\n", [], true),
    Deep("withs", String(repeating: "with (a, b) as c: d\n", count: 20_000) + "f()\n", [], true),
    Deep("lines", String(repeating: "\n", count: 1_000_000) + "f()", [], true),
    Deep("assignments", String(repeating: "a = ", count: 50_000) + "f()", [], true),
    Deep("decorators", String(repeating: "@a\n", count: 50_000) + "class B: f()", [], true),
    Deep("marks", "a" + String(repeating: "\u{301}\u{323}", count: 20_000) + "\nf()", [], true),
  ]

  @Test(arguments: deep)
  func endsOn(_ sample: Deep) {
    let sink = readPython(Array(sample.text.utf8))
    #expect(Set(sink.anomalies).subtracting(["limit.facts!"]) == sample.anomalies)
    #expect(sink.pythonCalls.contains { $0.hasSuffix(" f()") } == sample.isFound)
    #expect(sink.keepsTheLaws)
  }

  @Test func limitsAreSaid() {
    var limits = Limits.standard
    limits.pythonSource = 20
    let long = readPython(Array("f()\ng()\nh()\ni(1, 2, 3)\n".utf8), limits: limits)
    #expect(long.anomalies == ["limit.pythonSource!"])
    #expect(long.pythonCalls == ["1:0 f()", "2:0 g()", "3:0 h()"])
    limits = .standard
    limits.pythonNodes = 20
    #expect(
      readPython(Array(String(repeating: "f(a, b, c)\n", count: 20).utf8), limits: limits).anomalies.contains(
        "limit.pythonNodes!"))
    limits = .standard
    limits.argumentCharacters = 8
    #expect(readPython(Array("f('éééééééé', 1)\n".utf8), limits: limits).pythonCalls == ["1:0 f('ééé…, 1)"])
  }
}
