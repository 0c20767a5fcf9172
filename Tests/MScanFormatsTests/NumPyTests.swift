import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// A `.npy` file of a header's text and `data`.
func npy(_ header: String, _ data: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
  let text = latin1(header)
  let width = version == 1 ? 2 : 4
  return latin1("\u{93}NUMPY") + [version, 0] + (0..<width).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) }
    + text + data
}

func npyHeader(_ descr: String, _ shape: String) -> String {
  "{'descr': \(descr), 'fortran_order': False, 'shape': (\(shape)), }   \n"
}

@Suite struct NumPyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let header: String
    let size: Int
    let expected: [String]
    var version: UInt8 = 1
    var testDescription: String { header }
    init(_ descr: String, _ shape: String, _ size: Int, _ expected: [String] = [], version: UInt8 = 1) {
      self.init(header: npyHeader(descr, shape), size, expected)
      self.version = version
    }
    init(header: String, _ size: Int, _ expected: [String]) {
      (self.header, self.size, self.expected) = (header, size, expected)
    }
  }

  /// Types by their size: what NumPy writes, and what it also takes.
  @Test(arguments: [
    Case("'<f8'", "3, 4", 96), Case("'<f8'", "", 8), Case("'<f8'", "0, 4", 0), Case("\"|b1\"", "5,", 5),
    Case("'<f8'", "3,", 24, version: 2), Case("'<f8'", "3,", 24, version: 3), Case("'<f8'", "3L,", 24),
    Case("'<U4'", "2,", 32), Case("'|S16'", "2,", 32), Case("'|V3'", "2,", 6), Case("'<M8[ns]'", "2,", 16),
    Case("'<c16'", "2,", 32), Case("[('a', '<f4'), ('', '|V4'), ('b', '<i8')]", "2,", 32),
    Case("[('a', '<f4', (2, 3)), ('b', [('c', '|u1'), ('d', '<u2')])]", "2,", 54),
    Case("[(('title', 'a'), '<f4')]", "2,", 8), Case("('<f4', (2,))", "3,", 24), Case("('<f4', 2)", "3,", 24),
    Case("[('Open', '<f4')]", "1,", 4), Case("'<f' '8'", "1,", 8), Case("('<f8')", "1,", 8),
    Case("'\\x3c\\146\\u0038'", "1,", 8),
    Case("'<f8'", "2,", 17, ["npy.trailing-bytes"]),
    Case("'<f8'", "2,", 15, ["npy.truncated!"]),
    Case("'<f8'", "4611686018427387904, 8", 15, ["npy.truncated!"]),
    Case("'<f8'", "-1,", 8, ["npy.malformed!"]),
    Case("'<f8'", "99999999999999999999,", 8, ["npy.malformed!"]),
    Case("'evil'", "1,", 8, ["npy.unsupported!"]),
    Case("'f4,f4'", "1,", 8, ["npy.unsupported!"]),
    Case("7", "1,", 8, ["npy.unsupported!"]),
    Case("{'names': ['a'], 'formats': ['<f4']}", "1,", 4, ["npy.unsupported!"]),
    Case("'<f8'", "1,", 8, ["npy.unsupported!"], version: 4),
    Case(header: "{'descr': '<f8', 'fortran_order': False}", 8, ["npy.malformed!"]),
    Case(header: "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}", 8, ["npy.malformed!"]),
    Case(header: "{'descr': '<f8', 'fortran_order': False, 'shape': 1}", 8, ["npy.malformed!"]),
    Case(header: "('descr', '<f8')", 8, ["npy.malformed!"]),
    Case(header: "{'descr': __import__('os')}", 8, ["npy.malformed!"]),
    Case(header: "{'descr': '<f8', ", 8, ["npy.truncated!"]),
    Case(header: "{'descr': '''<f8''', 'fortran_order': False, 'shape': (1,)}", 8, ["npy.malformed!"]),
    Case(
      header: "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'descr': '<f8'}", 8, ["npy.malformed"]),
    Case(header: String(repeating: "(", count: 600), 8, ["limit.nesting!"]),
  ])
  func measures(_ sample: Case) {
    let bytes = npy(sample.header, [UInt8](repeating: 0, count: sample.size), version: sample.version)
    let sink = read(NumPyFormat.self, bytes, name: "x.npy")
    #expect(sink.anomalySubjects == sample.expected)
    #expect(sink.children.isEmpty && sink.keepsTheLaws())
  }

  /// Every way to say that elements are objects.
  @Test(arguments: [
    "'|O'", "'O'", "'O8'", "'object'", "'\\x4f'", "'|' 'O'", "u'O'", "'i4,O'", "'(2,)O'", "[('a', '<f4'), ('b', '|O')]",
    "[('a', [('b', [('c', 'O')])])]", "[('a', '|O', (2,))]", "('O', (2,))", "{'names': ['a'], 'formats': ['O']}",
    "('<i8', 'O')", "[('a', ('O', 2))]",
  ])
  func findsObjects(_ descr: String) {
    let pickle = latin1("cos\nsystem\n(S'x'\ntR.")
    let sink = read(NumPyFormat.self, npy(npyHeader(descr, "1,"), pickle), name: "x.npy")
    guard case .tensor(let array) = sink.facts.first?.payload else { return #expect(Bool(false)) }
    #expect(array.dtype.contains("O"))
    #expect(sink.anomalies.isEmpty)
    #expect(sink.children.map(\.format) == ["pickle"])
    #expect(sink.children.first?.source.prefix(99) == pickle)
  }

  @Test func lastDescriptionWins() {
    let header = "{'descr': '<f8', 'descr': 'O', 'fortran_order': False, 'shape': (1,)}"
    #expect(read(NumPyFormat.self, npy(header), name: "x.npy").children.count == 1)
  }

  /// Where the type or the place of the data is not known, and behind it, pickles are found by what they are.
  @Test func carves() {
    let pickle = latin1("\u{80}\u{4}cos\nsystem\n(S'x'\ntR.")
    for bytes in [
      npy(npyHeader("'evil'", "1,"), pickle), npy("{'x'", pickle), npy(npyHeader("'<f8'", "1,"), pickle, version: 9),
      npy(npyHeader("'|u1'", "2,"), [1, 2] + pickle),
    ] {
      #expect(read(NumPyFormat.self, bytes, name: "x.npy").children.map(\.format) == ["pickle"])
    }
  }

  @Test func statesTheArray() {
    let bytes = npy(npyHeader("'<f4'", "2, 3"), [UInt8](repeating: 0, count: 24))
    let tensors = read(NumPyFormat.self, bytes, name: "x.npy").facts.map(\.payload)
    #expect(
      tensors == [
        .tensor(
          TensorFact(name: "x.npy", dtype: "<f4", shape: [2, 3], bytes: ByteRange(bytes.count - 24, bytes.count)))
      ])
  }

  @Test func namesTheTypesOfParts() {
    let descr = "[('a', '<f4', (2,)), ('b', [('Open', '<u2')])]"
    let sink = read(NumPyFormat.self, npy(npyHeader(descr, "0,")), name: "x.npy")
    guard case .tensor(let array) = sink.facts.first?.payload else { return #expect(Bool(false)) }
    #expect(array.dtype == "[<f4, <u2]")
  }

  @Test func noSurprise() {
    let header = "{'descr': [('a', '<f4', (2,)), ('b\\x41', '|S2')], 'fortran_order': False, 'shape': (1,)}"
    expectNoSurprise(NumPyFormat.self, npy(header, [UInt8](repeating: 7, count: 10)), name: "x.npy")
    expectNoSurprise(NumPyFormat.self, npy(npyHeader("'O'", "1,"), latin1("I1\n.")), name: "x.npy")
  }
}
