import Foundation
import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct PickleMachineTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let stream: String
    let calls: [String]
    init(_ name: String, _ stream: String, _ calls: [String]) {
      (testDescription, self.stream, self.calls) = (name, stream, calls)
    }
  }

  /// What a stream calls, by the meaning of its chain.
  static let resolution: [Case] = [
    Case("GLOBAL and REDUCE", "cos\nsystem\n(S'echo x'\ntR.", ["reduce os.system(echo x)"]),
    Case("INST", "(S'echo x'\nios\nsystem\n.", ["inst os.system(echo x)"]),
    Case("OBJ", "(cos\nsystem\nS'echo x'\no.", ["obj os.system(echo x)"]),
    Case("NEWOBJ", "csubprocess\nPopen\n(S'x'\nt\u{81}.", ["newobj subprocess.Popen(x)"]),
    Case(
      "memo between the names",
      "\u{80}\u{04}\u{8c}\u{02}os\u{94}\u{8c}\u{06}system\u{94}00h\u{00}h\u{01}\u{93}\u{8c}\u{01}x\u{85}R.",
      ["reduce os.system(x)"]),
    Case(
      "getattr of __import__",
      "cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR(S'x'\ntR.",
      ["reduce builtins.__import__(os)", "reduce builtins.getattr(os, system)", "reduce os.system(x)"]),
    Case(
      "attrgetter", "coperator\nattrgetter\n(S'system'\ntR(cimportlib\nimport_module\n(S'os'\ntRtR(S'x'\ntR.",
      ["reduce operator.attrgetter(system)", "reduce importlib.import_module(os)", "reduce os.system(x)"]),
    Case(
      "partial", "cfunctools\npartial\n(cos\nsystem\nS'x'\ntR)R.",
      ["reduce functools.partial(os.system, x)", "partial os.system(x)"]),
    Case(
      "map", "cbuiltins\nmap\n(cos\nsystem\n(S'x'\nS'y'\nltR.",
      ["reduce builtins.map(os.system, ['x', 'y'])", "map os.system(x)", "map os.system(y)"]),
    Case(
      "reduce over getattr",
      "cfunctools\nreduce\n(cbuiltins\ngetattr\n(S'system'\nlcbuiltins\n__import__\n(S'os'\ntRtR(S'x'\ntR.",
      [
        "reduce builtins.__import__(os)", "reduce functools.reduce(builtins.getattr, ['system'], os)",
        "fold builtins.getattr(os, system)", "reduce os.system(x)",
      ]),
    Case(
      "a planted __setstate__", "cargparse\nNamespace\n)\u{81}(S'__setstate__'\ncbuiltins\nexec\ndbS'x'\nb.",
      ["newobj argparse.Namespace()", "planted builtins.exec(x)"]),
    Case("Python 2 names", "c__builtin__\neval\n(S'1'\ntR.", ["reduce builtins.eval(1)"]),
    Case("an unknown thing is called", "cm\nf\n)R(S'x'\ntR.", ["reduce m.f()", "reduce m.f()(x)"]),
  ]

  @Test(arguments: resolution) func resolves(_ sample: Case) {
    #expect(readPickle(latin1(sample.stream)).calls == sample.calls)
  }

  /// Dotted names reach what they pass.
  @Test(arguments: [
    ("pathlib", "os.system", "os.system"), ("random", "_os.system", "os.system"),
    ("os", "system.__call__", "os.system"), ("torch", "serialization.os.system", "os.system"),
  ])
  func reaches(module: String, name: String, subject: String) {
    let facts = readPickle(latin1("\u{80}\u{04}c\(module)\n\(name)\n."))
    #expect(facts.callables(.named).first?.module == module)
    #expect(facts.callables(.named).first?.name == name)
    #expect(facts.callables(.named).first?.subjects.contains(subject) == true)
  }

  @Test(arguments: [
    (
      "FRAME inside a frame", "\u{80}\u{04}\u{95}\u{0c}\0\0\0\0\0\0\0\u{95}\u{01}\0\0\0\0\0\0\0N0N.",
      "pickle.frame-nested"
    ),
    ("a frame that ends in an operand", "\u{80}\u{04}\u{95}\u{02}\0\0\0\0\0\0\0M\u{01}\u{02}.", "pickle.frame-crossed"),
    ("no STOP", "cos\nsystem\n", "pickle.truncated"), ("an unknown opcode", "\u{ff}", "pickle.malformed"),
    ("a slot never set", "h\u{05}.", "pickle.memo-missing"), ("EXT1", "\u{82}\u{01}.", "pickle.extension-code"),
    ("bytes behind STOP", "N.\u{ff}\u{ff}", "pickle.trailing-bytes"), ("two pickles", "N.N.", "pickle.second-stream"),
    ("zeros behind STOP", "N.\0\0\0", "pickle.trailing-zeros"),
    ("a late PROTO", "N0\u{80}\u{02}N.", "pickle.late-protocol"),
    ("state on a function", "cnumpy\nprod\n}S'a'\nNsb.", "pickle.state-overwrite"),
    ("items of sys.modules", "csys\nmodules\nS'a'\nNs.", "pickle.item-overwrite"),
    ("an 8-bit string", "U\u{01}\u{e9}.", "pickle.non-ascii-string"),
    ("a memo index of 2^31", "Nr\u{ff}\u{ff}\u{ff}\u{7f}.", "pickle.memo-index"),
    ("an out-of-band buffer", "\u{97}.", "pickle.out-of-band-buffer"),
  ])
  func states(name: String, stream: String, subject: String) {
    let facts = readPickle(latin1(stream))
    #expect(facts.anomalies.contains { $0.subject == subject }, "\(name): \(facts.anomalies.map(\.subject))")
  }

  /// Numbers that CPython's C machine takes and its own tools refuse.
  @Test(arguments: [
    "I0x10\n", "I010\n", "I 3\n", "I1\0z\n", "L0x10L\n", "L7\n", "I1_0\n", "F1.5\0z\n", "F1.\n", "F.5\n",
  ])
  func takesNumbers(_ number: String) {
    let facts = readPickle(latin1(number + "0cos\nsystem\n."))
    #expect(facts.callables(.named).map(\.dotted) == ["os.system"])
  }

  @Test func bytesGivenToLoadsAreRead() {
    let inner = "cos\nsystem\n(S'x'\ntR."
    let facts = readPickle(latin1("cpickle\nloads\n(C\(Character(Unicode.Scalar(UInt8(inner.utf8.count))))\(inner)tR."))
    #expect(facts.calls.contains("reduce os.system(x)"))
    let nested = facts.facts.last { $0.kind == .callable }
    #expect(nested.map { facts.artifacts.chain(of: $0.artifact).count } == 1)
  }

  @Test func carvesAPickleBehindPadding() {
    let facts = readPickle(latin1("N.\n\n\n\u{80}\u{02}cos\nsystem\n(S'x'\ntR."))
    #expect(facts.anomalies.contains { $0.subject == "pickle.carved-stream" })
    #expect(facts.calls == ["reduce os.system(x)"])
  }

  @Test func stepsOverJoblibArrays() {
    let wrapper =
      "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\u{81}(S'shape'\n(I3\ntS'dtype'\ncnumpy\ndtype\n(S'f8'\ntRdb"
    let raw = String(repeating: "\u{ff}", count: 24)
    let facts = readPickle(latin1(wrapper + raw + "0cos\nsystem\n(S'x'\ntR."))
    #expect(facts.calls.contains("reduce os.system(x)"))
    #expect(facts.anomalies.allSatisfy { !$0.incomplete })
  }

  @Test func legacyTorchIsAccountedFor() {
    let magic = "\u{80}\u{02}\u{8a}\u{0a}\u{6c}\u{fc}\u{9c}\u{46}\u{f9}\u{20}\u{6a}\u{a8}\u{50}\u{19}."
    let object = "\u{80}\u{02}(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI2\ntQ."
    let storages = "\u{02}\0\0\0\0\0\0\0" + String(repeating: "c", count: 8)
    let facts = readPickle(
      latin1(magic + "\u{80}\u{02}M\u{e9}\u{03}." + "}." + object + "]S'0'\na." + storages), name: "m.pt")
    #expect(facts.anomalies.isEmpty, "\(facts.anomalies)")
    #expect(facts.callables(.named).map(\.dotted) == ["torch.FloatStorage"])
  }

  @Test(arguments: [
    ("opcodes", 1 << 20, "limit.pickleOpcodes"), ("stack", 1 << 20, "limit.pickleStack"),
    ("memo", 1 << 20, "limit.pickleMemo"),
  ])
  func limitsAreSaid(what: String, size: Int, subject: String) {
    var limits = Limits.standard
    let body: String
    switch what {
    case "opcodes":
      limits.pickleOpcodes = 1000
      body = "N0"
    case "stack":
      limits.pickleStack = 1000
      body = "N"
    default:
      limits.pickleMemo = 1000
      body = "\u{94}"
    }
    let bytes = latin1("N") + latin1(String(repeating: body, count: size / body.utf8.count)) + latin1(".")
    let facts = readPickle(bytes, limits: limits)
    #expect(facts.anomalies.contains { $0.subject == subject && $0.incomplete }, "\(facts.anomalies)")
  }

  @Test(arguments: [
    ("cposix\nsystem\n(S'x'\ntR.", true), ("(dp0\nS'a'\np1\nI1\ns.", true), ("class Foo:\n  pass\n", false),
    ("In the beginning.\n", false), ("[1, 2, 3]", false), ("can you\nhelp me\n.", false), ("#!/bin/sh\n", false),
    ("V1.0 release\n.", false), ("", false),
  ])
  func recognises(text: String, isPickle: Bool) {
    #expect(PickleFormat.isPickle(ByteSource(latin1(text))) == isPickle)
  }
}

@Suite struct PickleDifferentialTests {
  struct Row: Decodable {
    let stream: String
    let machinesAgree: Bool
    let asked: [[String]]
  }

  /// CPython's answers, frozen: every global that any of its machines asks for is named; in order where they agree.
  @Test func namesWhatCPythonAsksFor() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Fixtures/differential/pickle-streams.jsonl")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count >= 400)
    for line in lines {
      let row = try JSONDecoder().decode(Row.self, from: Data(line.utf8))
      let bytes = try #require(Data(base64Encoded: row.stream))
      var named: [[String]] = []
      for callable in readPickle([UInt8](bytes)).callables(.named, artifact: 0) {
        let pair = [callable.module, callable.name]
        if !named.contains(pair) { named.append(pair) }
      }
      if row.machinesAgree {
        #expect(named == row.asked, "\(row.stream)")
      } else {
        #expect(Set(named) == Set(row.asked), "\(row.stream)")
      }
    }
  }

  static let samples: [[UInt8]] = PickleMachineTests.resolution.map { latin1($0.stream) }

  /// Every prefix and every one-byte change ends in facts that lie inside the artifact.
  @Test(arguments: samples) func survivesChanges(_ sample: [UInt8]) {
    for end in 0..<sample.count { check(Array(sample[..<end])) }
    for index in sample.indices {
      for value in [0, 0xff, sample[index] ^ 1, sample[index] ^ 0x80, 0x95, 0x28] as [UInt8] {
        var changed = sample
        changed[index] = value
        check(changed)
      }
    }
  }

  private func check(_ bytes: [UInt8]) {
    for fact in readPickle(bytes).facts where fact.artifact == 0 {
      #expect(fact.range.end <= bytes.count && fact.range.start <= fact.range.end)
    }
  }

  /// What a code object uses says more than its instructions: names, constants, the file it is from.
  @Test(arguments: ["", "C\u{2}ln"]) func codeObjectsAreToldByNames(_ table: String) {
    let numbers = "K\u{1}K\0K\0K\u{1}K\u{2}K\u{3}"
    let tables = "(NX\u{6}\0\0\0echo xt(X\u{2}\0\0\0osX\u{6}\0\0\0systemt(X\u{1}\0\0\0xt"
    let code = "ctypes\nCodeType\n(\(table)\(numbers)C\u{2}ab\(tables)X\u{4}\0\0\0a.pyX\u{1}\0\0\0fK\u{1}C\0tR."
    let call = readPickle(latin1("\u{80}\u{4}" + code)).callables(.invoked).first
    #expect(call?.arguments == ["names: os system", "constants: None, 'echo x'", "from: a.py f"])
  }

  /// Arrays in files of their own are named; joblib opens them.
  @Test func companionsAreStated() {
    let wrapper = "cjoblib.numpy_pickle\nNDArrayWrapper\n)\u{81}}X\u{8}\0\0\0filenameX\u{5}\0\0\0a.npysb."
    let targets = readPickle(latin1("\u{80}\u{2}" + wrapper)).facts.compactMap { fact -> String? in
      guard case .reference(let reference) = fact.payload else { return nil }
      return reference.field + " " + reference.target
    }
    #expect(targets == ["joblib.companion a.npy"])
  }
}
