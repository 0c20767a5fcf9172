import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct ORTTests {
  static func node(_ name: String, _ type: String, _ domain: String = "", _ graph: FlatPart? = nil) -> FlatPart {
    var fields: [Int: FlatPart] = [0: .string(name), 2: .string(domain), 5: .string(type)]
    if let graph { fields[10] = .list([.table([7: graph, 12: .list([graph])])]) }
    return .table(fields)
  }

  static let sample = FlatPart.file(
    "ORTM",
    .table([
      0: .string("6"),
      1: .table([
        2: .string("p"),
        7: .table([
          0: .list([.table([0: .string("w"), 3: .number(1, width: 4), 4: .bytes([1, 2, 3, 4])])]),
          2: .list([
            node("a", "Add", "ai.onnx"), node("b", "Run", "com.example"),
            node("c", "If", "", .table([2: .list([node("", "Relu")])])),
          ]),
        ]), 9: .list([.table([0: .string("k"), 1: .string("v")])]),
      ]),
    ]))

  @Test func statesOperatorsOfAllGraphs() {
    let sink = read(ORTFormat.self, Self.sample, name: "m.ort")
    let operations = sink.facts.filter { $0.kind == .operation }
    #expect(
      operations.compactMap(\.subjects.first) == ["onnx.Add", "onnx.com.example.Run", "onnx.If", "onnx.Relu"])
    #expect(operations.last?.count == 2)
    #expect(Set(sink.values) == ["producer_name=p", "metadata_props.k=v", "ort_version=6"])
    #expect(sink.anomalySubjects.isEmpty && sink.keepsTheLaws())
  }

  @Test func aModelIsNeeded() {
    #expect(
      read(ORTFormat.self, FlatPart.file("ORTM", .table([:])), name: "m.ort").anomalySubjects == ["ort.malformed!"])
  }

  @Test func noSurprise() { expectNoSurprise(ORTFormat.self, Self.sample, name: "m.ort") }
}

@Suite struct ExecuTorchTests {
  static func program(segment: (UInt64, UInt64)) -> [UInt8] {
    FlatPart.file(
      "ET12",
      .table([
        1: .list([
          .table([
            0: .string("forward"),
            6: .list([.table([0: .string("aten::add"), 1: .string("out")]), .table([0: .string("plain")])]),
            7: .list([.table([0: .string("XnnpackBackend")])]),
          ])
        ]), 4: .list([.table([0: .number(segment.0, width: 8), 1: .number(segment.1, width: 8)])]),
      ]))
  }

  @Test(
    arguments: [
      ((16, 8), []), ((1 << 50, 8), ["executorch.out-of-file"]), ((8, .max), ["executorch.out-of-file"]),
    ] as [((UInt64, UInt64), [String])])
  func states(_ segment: (UInt64, UInt64), _ expected: [String]) {
    let sink = read(ExecuTorchFormat.self, Self.program(segment: segment), name: "m.pte")
    #expect(
      sink.facts.filter { $0.kind == .operation }.compactMap(\.subjects.first) == [
        "executorch.aten.add", "executorch.plain", "executorch.delegate.XnnpackBackend",
      ])
    #expect(sink.anomalySubjects == expected && sink.keepsTheLaws())
  }

  @Test func theExtendedHeaderIsHeldAgainstTheFile() {
    var bytes = Self.program(segment: (0, 1))
    // A header between the identifier and the tables: everything behind it moves.
    let header = Array("eh00".utf8) + NamedFormatsTests.words(24, 0xffff, 0, 0xffff, 0)
    bytes.insert(contentsOf: header, at: 8)
    bytes[0] += UInt8(header.count)
    let subjects = Set(read(ExecuTorchFormat.self, bytes, name: "m.pte").anomalySubjects)
    #expect(subjects == ["executorch.out-of-file"])
  }

  @Test func noSurprise() { expectNoSurprise(ExecuTorchFormat.self, Self.program(segment: (16, 8)), name: "m.pte") }
}
