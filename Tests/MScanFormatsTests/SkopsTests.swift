import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct SkopsTests {
  static func node(_ module: String, _ name: String, _ loader: String, _ more: String = "") -> String {
    "{\"__class__\": \"\(name)\", \"__module__\": \"\(module)\", \"__loader__\": \"\(loader)\"\(more)}"
  }

  static func callables(_ text: String) -> [String] {
    let sink = read(SkopsFormat.self, Array(text.utf8), name: "schema.json")
    return (sink.callables(.named) + sink.callables(.invoked)).map { "\($0.stage.rawValue) \($0.via) \($0.dotted)" }
  }

  @Test(
    arguments: [
      (node("os", "system", "FunctionNode"), ["named skops os.system"]),
      (node("builtins", "int", "TypeNode"), ["named skops builtins.int"]),
      (node("builtins", "str", "JsonNode", ", \"content\": \"1\""), []),
      (node("sklearn.svm", "SVC", "ObjectNode"), ["invoked newobj sklearn.svm.SVC"]),
      (node("numpy", "dtype", "ReduceNode"), ["invoked reduce numpy.dtype"]),
      (node("builtins", "int", "OperatorFuncNode", ", \"attrs\": []"), ["invoked reduce operator.int"]),
      (
        node(
          "x", "method", "MethodNode", ", \"content\": {\"func\": \"run\", \"obj\": \(node("a.b", "C", "ObjectNode"))}"),
        ["named skops a.b.C.run", "invoked newobj a.b.C"]
      ),
      (
        node(
          "functools", "partial", "PartialNode", ", \"content\": {\"func\": \(node("os", "system", "FunctionNode"))}"),
        ["named skops os.system", "invoked partial functools.partial"]
      ),
      // Readers that keep the first of equal keys, and Python, which keeps the last.
      (
        "{\"__class__\": \"system\", \"__module__\": \"os\", \"__loader__\": \"TypeNode\", \"__class__\": \"getpid\"}",
        ["named skops os.system", "named skops os.getpid"]
      ),
      ("[1, \"__class__\", {\"__class__\": 3}]", []),
    ] as [(String, [String])])
  func states(_ text: String, _ expected: [String]) { #expect(Self.callables(text) == expected) }

  @Test func operatorNodeNamesBoth() {
    let text = Self.node("builtins", "int", "OperatorFuncNode")
    let fact = read(SkopsFormat.self, Array(text.utf8), name: "schema.json").callables(.invoked).first
    #expect(fact?.subjects == ["operator.int", "builtins.int"])
  }

  @Test func noSurprise() {
    let inner = Self.node("a.b", "C", "ObjectNode")
    let text = Self.node("x", "m", "MethodNode", ", \"content\": {\"func\": \"run\", \"obj\": \(inner)}, \"l\": [1]")
    expectNoSurprise(SkopsFormat.self, Array(text.utf8), name: "schema.json")
  }
}

@Suite struct ZFileTests {
  /// `ZF`, the length as text of `width` bytes, a zlib stream of stored blocks.
  static func zfile(_ data: [UInt8], width: Int = 19, stated: Int? = nil) -> [UInt8] {
    var text = Array("0x\(String(stated ?? data.count, radix: 16))".utf8)
    text += [UInt8](repeating: 0x20, count: width - text.count)
    let count = UInt16(data.count)
    var sums: (UInt32, UInt32) = (1, 0)
    for byte in data {
      sums.0 = (sums.0 + UInt32(byte)) % 65521
      sums.1 = (sums.1 + sums.0) % 65521
    }
    let check = [UInt8(sums.1 >> 8), UInt8(sums.1 & 0xff), UInt8(sums.0 >> 8), UInt8(sums.0 & 0xff)]
    return [0x5a, 0x46] + text + [0x78, 0x01, 0x01] + ZipBuilder.u16(count) + ZipBuilder.u16(~count) + data + check
  }

  static let call = latin1("cos\nsystem\n(S'x'\ntR.")

  @Test(arguments: [18, 19]) func holdsThePickle(_ width: Int) {
    let sink = read(ZFileFormat.self, Self.zfile(Self.call, width: width), name: "model.pkl.z")
    #expect(sink.anomalySubjects.isEmpty)
    #expect(sink.children.map(\.format) == ["pickle"] && sink.children.first?.source.prefix(99) == Self.call)
    #expect(Identify.identify(ByteSource(Self.zfile(Self.call)), name: "model.pkl").format == "joblib-zfile")
  }

  @Test func elementsOfAnArrayAreNoPickle() {
    let noise = [UInt8](repeating: 7, count: 64)
    #expect(read(ZFileFormat.self, Self.zfile(noise), name: "m.pkl_01.npy.z").children.isEmpty)
    #expect(read(ZFileFormat.self, Self.zfile(Self.call), name: "m.pkl_01.npy.z").children.map(\.format) == ["pickle"])
  }

  @Test func saysWhatIsWrong() {
    #expect(read(ZFileFormat.self, [0x5a, 0x46, 0x30, 0x78], name: "m").anomalySubjects == ["joblib-zfile.truncated!"])
    let long = Self.zfile(Self.call, stated: 5)
    #expect(read(ZFileFormat.self, long, name: "m").anomalySubjects == ["joblib-zfile.length"])
    let more = read(ZFileFormat.self, Self.zfile(Self.call) + Self.call, name: "m")
    #expect(more.anomalySubjects == ["joblib-zfile.trailing-bytes"] && more.children.count == 2)
    expectNoSurprise(ZFileFormat.self, Self.zfile(Self.call), name: "m.pkl.z")
  }
}
