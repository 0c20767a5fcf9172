import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

func readYAML(_ text: String, limits: Limits = .standard, interest: ValueInterest = .all) -> FactBuffer {
  read(YAMLFormat.self, Array(text.utf8), name: "config.yaml", limits: limits, interest: interest)
}

extension FactBuffer {
  /// `stage module|name(arguments)` of every callable, in order.
  var yamlCallables: [String] {
    facts.compactMap { fact in
      guard case .callable(let callable) = fact.payload else { return nil }
      let arguments = callable.arguments.joined(separator: ", ")
      return "\(callable.stage.rawValue) \(callable.module)|\(callable.name)(\(arguments))"
    }
  }

  /// `framework.name(arguments)` of every operation, in order.
  var operations: [String] {
    facts.compactMap { fact in
      guard case .operation(let operation) = fact.payload else { return nil }
      return "\(operation.framework).\(operation.name)(\(operation.arguments.joined(separator: ", ")))"
    }
  }

  /// `field=target` of every reference, in order.
  var references: [String] {
    facts.compactMap { fact in
      guard case .reference(let reference) = fact.payload else { return nil }
      return "\(reference.field)=\(reference.target)" + (reference.revision.isEmpty ? "" : "@\(reference.revision)")
    }
  }
}

@Suite struct YAMLTests {
  @Test(
    arguments: [
      ("a: 1", ["a=1"]), ("a: {b: [x, 'y']}", ["a={1}", "a.b=[2]", "a.b.0=x", "a.b.1=y"]),
      ("a: yes", ["a=true"]), ("a: 'yes'", ["a=yes"]), ("a: !!str yes", ["a=yes"]), ("a: !!bool 'on'", ["a=true"]),
      ("a:", ["a=null"]), ("a: -1.5e3", ["a=-1.5e3"]), ("a: 1.2.3", ["a=1.2.3"]), ("- 1", ["0=1"]),
      ("a: &x os.system\nb: *x", ["a=os.system", "b=os.system"]),
      ("a: &x {k: v}\nb: *x", ["a={1}", "a.k=v", "b.k=v"]),
      ("a: &x {k: v}\nb: {<<: *x, c: 1}", ["a={1}", "a.k=v", "b={2}", "b.k=v", "b.c=1"]),
      ("b: {<<: {k: v}}", ["b={1}", "b.k=v"]),
      ("a: &x {k: &y {l: 1}, m: *y}\nb: *x", ["a={2}", "a.k={1}", "a.k.l=1", "a.m.l=1", "b.k.l=1", "b.m.l=1"]),
      ("&k a: 1\n*k : 2", ["a=1", "a=2"]),
      ("? {x: 1}\n: 2", ["?={1}", "?.x=1", "?=2"]),
    ] as [(String, [String])])
  func statesValues(_ text: String, _ expected: [String]) {
    #expect(readYAML(text).values == expected)
  }

  @Test(
    arguments: [
      ("a: !!python/object/apply:os.system ['x', 1]", ["invoked os|system(x, 1)"]),
      ("a: !!python/object/new:a.b.C {k: v}", ["invoked a.b|C(k=v)"]),
      ("a: !!python/object:a.B {}", ["invoked a|B()"]), ("a: !!python/name:eval ''", ["named builtins|eval()"]),
      ("a: !!python/module:os.path", ["named |os.path()"]), ("a: !!python/tuple [1]", []),
      ("a: !<tag:yaml.org,2002:python/name:os.system> x", ["named os|system(x)"]),
      ("%TAG !x! tag:yaml.org,2002:python/\n--- !x!name:os.system ''", ["named os|system()"]),
      ("!!python/object/apply:os.system [x]: y", ["invoked os|system(x)"]),
      ("a: !!python/object%2Fapply:os.system [x]", ["invoked os|system(x)"]),
      ("a: !apply:os.getpid []", ["invoked os|getpid()"]), ("a: !name:os.system", ["named os|system()"]),
      ("a: !ruby/object:Gem::Installer {}", []), ("a: !!a.b.C [x]", ["invoked a.b|C(x)"]), ("a: !local x", []),
      ("a: !!set {x}", []), ("a: ! x", []),
      // What no strict reader takes is searched line by line.
      ("a: [1\nb: !!python/name:os.system x", ["named os|system()"]),
      ("{% if x %}\n- !!python/name:os.system\n", ["named os|system()"]),
      ("a: !!python/object/apply:os.system [", ["invoked os|system()"]),
    ] as [(String, [String])])
  func statesTags(_ text: String, _ expected: [String]) {
    let sink = readYAML(text)
    #expect(Array(Set(sink.yamlCallables)) == expected)
    #expect(sink.keepsTheLaws())
  }

  @Test(
    arguments: [
      ("a: 1\na: 2", ["yaml.duplicate-key"]), ("a: {b: 1}\nc: {b: 1}", []), ("a: *x", ["yaml.undefined-alias"]),
      ("a: &a [*a]", ["yaml.alias-expansion", "yaml.recursive-alias"]), ("a: 1\n--- \nb: 1", ["yaml.second-document"]),
      ("a: [", ["yaml.malformed"]), ("{% set x %}", ["yaml.malformed"]), ("\u{feff}a: 1", []), ("", []), ("# x", []),
      ("a: \u{1}", ["yaml.invalid-text!"]),
    ] as [(String, [String])])
  func notes(_ text: String, _ expected: [String]) {
    let sink = readYAML(text)
    #expect(sink.anomalySubjects == expected)
    #expect(sink.keepsTheLaws())
  }

  /// Nine levels of ten aliases stand for a thousand million nodes and cost what their 500 bytes cost.
  @Test func laughsAreCounted() {
    var text = "a0: &a0 [x]\n"
    for level in 1...30 {
      let aliases = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    let sink = readYAML(text)
    #expect(sink.anomalySubjects.contains("yaml.alias-expansion"))
    #expect(sink.facts.count < 3 * Limits.standard.yamlAliasValues)
  }

  @Test func limitsAreNamed() {
    var limits = Limits()
    limits.nesting = 4
    #expect(readYAML("[[[[[1]]]]]", limits: limits).anomalySubjects == ["limit.nesting!"])
    limits = Limits()
    limits.values = 2
    #expect(readYAML("[1, 2, 3, 4]", limits: limits).anomalySubjects == ["limit.values!"])
    limits = Limits()
    limits.yamlBytes = 3
    #expect(readYAML("a: 1", limits: limits).anomalySubjects == ["limit.yamlBytes!"])
    limits = Limits()
    limits.yamlAnchors = 1
    #expect(readYAML("[&a 1, &b 2]", limits: limits).anomalySubjects == ["limit.yamlAnchors!"])
    limits = Limits()
    limits.yamlKeys = 1
    #expect(readYAML("{a: 1, b: 2}", limits: limits).anomalySubjects == ["limit.yamlKeys!"])
    limits = Limits()
    limits.yamlAliasValues = 1
    #expect(readYAML("[&a {b: 1, c: 2}, *a]", limits: limits).anomalySubjects == ["limit.yamlAliasValues!"])
  }

  /// What nobody asks for is checked and not stated; what lies below an alias is asked for by the alias's path, too.
  @Test func statesWhatIsOfInterest() {
    let interest = ValueInterest(keys: ["auto_map", "_target_"])
    let text = "x: &m {AutoModel: a--b}\nauto_map: *m\ny: [{_target_: os.system}]\nz: 1"
    #expect(readYAML(text, interest: interest).values == ["auto_map.AutoModel=a--b", "y.0._target_=os.system"])
  }

  @Test func placesAreBytesAndLines() throws {
    let text = "é: 1\r\nkey: [\"ü\", _x]\n"
    let sink = readYAML(text)
    let fact = try #require(sink.facts.last)
    #expect(fact.range == ByteRange(19, 21) && fact.place.lineAndColumn?.line == 2)
    #expect(fact.place == .line(2, column: 12, path: "/key/1"))
  }

  @Test(arguments: [true, false]) func readsUTF16(isLittle: Bool) {
    var bytes: [UInt8] = []
    for unit in "\u{feff}a: !!python/name:os.system ''".utf16 {
      let pair = [UInt8(truncatingIfNeeded: unit), UInt8(truncatingIfNeeded: unit >> 8)]
      bytes += isLittle ? pair : pair.reversed()
    }
    let sink = read(YAMLFormat.self, bytes, name: "x.yaml")
    #expect(sink.yamlCallables == ["named os|system()"])
    #expect(sink.anomalySubjects == ["yaml.utf-16"])
    #expect(sink.keepsTheLaws())
  }

  @Test(
    arguments: [
      ("---\na: 1\n---\nb: 2", ["a=1"]), ("\u{feff}---\r\na: 1\r\n---\r\n", ["a=1"]), ("# x\n---\na: 1\n---", []),
      ("---\na: 1\n", []), ("----\na: 1\n---", []), ("", []),
    ] as [(String, [String])])
  func readsFrontMatter(_ text: String, _ expected: [String]) {
    let sink = read(MarkdownFormat.self, Array(text.utf8), name: "README.md")
    #expect(sink.values.filter { !$0.hasPrefix("card.body.") } == expected)
    #expect(sink.keepsTheLaws())
  }

  @Test func frontMatterHasPlacesOfTheFile() throws {
    let sink = read(MarkdownFormat.self, Array("---\na: 1\nbc: 2\n---\n".utf8), name: "README.md")
    #expect(sink.facts.last?.range == ByteRange(13, 14))
    #expect(sink.facts.last?.place == .line(3, column: 5, path: "/bc"))
  }

  @Test func noSurprise() {
    let text =
      "%TAG !p! tag:yaml.org,2002:python/\n--- &d\n- &a {k: !p!name:x [é], ? [1] : '2', <<: *a}\n- *a\n- ${x:y} # c\n"
      + "- |\n  z\n- \"\\u00e9\"\n...\n---\nb: !!python/object/apply:f [*d]\n"
    expectNoSurprise(YAMLFormat.self, Array(text.utf8), name: "x.yaml")
    expectNoSurprise(MarkdownFormat.self, Array("---\na: [b, !x c]\n---\n# d\n".utf8), name: "README.md")
  }
}
