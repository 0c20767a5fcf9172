import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

/// A safetensors file of a header and `data`; `length` overrides what the length field says.
func safetensors(_ header: String, _ data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
  let stated = length ?? UInt64(header.utf8.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: stated >> ($0 * 8)) } + Array(header.utf8) + data
}

@Suite struct SafetensorsTests {
  static let sixteen = [UInt8](repeating: 7, count: 16)

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let header: String
    let expected: [String]
    var data = SafetensorsTests.sixteen
    init(_ name: String, _ header: String, _ expected: [String], data: [UInt8] = SafetensorsTests.sixteen) {
      (testDescription, self.header, self.expected, self.data) = (name, header, expected, data)
    }
  }

  static func tensor(_ type: String = "F32", _ shape: String = "4", _ offsets: String = "0,16") -> String {
    "{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offsets)]}"
  }

  @Test(arguments: [
    Case("plain", "{\"a\":\(tensor())}", []),
    Case("padded", "{\"a\":\(tensor())}     ", []),
    Case("empty", "{}", [], data: []),
    Case("scalar and empty", "{\"a\":\(tensor("U8", "", "0,1")),\"b\":\(tensor("F32", "0,3", "1,1"))}", [], data: [1]),
    Case("six bits", "{\"a\":\(tensor("F6_E2M3", "4", "0,3"))}", [], data: [1, 2, 3]),
    Case(
      "any order", "{\"b\":\(tensor("U8", "8", "8,16")),\"a\":\(tensor("U8", "8", "0,8")),\"__metadata__\":{}}", []),
    Case(
      "duplicate", "{\"a\":\(tensor()),\"a\":\(tensor())}", ["safetensors.duplicate-key", "safetensors.overlap"]),
    Case(
      "escaped duplicate", "{\"a\":\(tensor()),\"\\u0061\":\(tensor())}",
      ["safetensors.duplicate-key", "safetensors.escaped-name", "safetensors.overlap"]),
    Case(
      "duplicate field", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
      ["safetensors.duplicate-key"]),
    Case(
      "duplicate metadata", "{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"},\"a\":\(tensor())}",
      ["safetensors.duplicate-key"]),
    Case("gap", "{\"a\":\(tensor("U8", "4", "0,4")),\"b\":\(tensor("U8", "4", "12,16"))}", ["safetensors.gap"]),
    Case("first is late", "{\"a\":\(tensor("U8", "8", "8,16"))}", ["safetensors.gap"]),
    Case(
      "overlap", "{\"a\":\(tensor("U8", "12", "0,12")),\"b\":\(tensor("U8", "8", "8,16"))}", ["safetensors.overlap"]),
    Case("trailing", "{\"a\":\(tensor("U8", "12", "0,12"))}", ["safetensors.trailing-bytes"]),
    Case("no tensors, data", "{}", ["safetensors.trailing-bytes"]),
    Case("out of file", "{\"a\":\(tensor("F32", "8", "0,32"))}", ["safetensors.out-of-file"]),
    Case(
      "negative", "{\"a\":\(tensor("F32", "4", "-16,0"))}", ["safetensors.out-of-file", "safetensors.trailing-bytes"]),
    Case(
      "reversed", "{\"a\":\(tensor("F32", "0", "16,0"))}", ["safetensors.out-of-file", "safetensors.trailing-bytes"]),
    Case("huge", "{\"a\":\(tensor("F32", "4", "0,99999999999999999999"))}", ["safetensors.out-of-file"]),
    Case("mismatch", "{\"a\":\(tensor("F32", "5"))}", ["safetensors.shape-mismatch"]),
    Case("overflow", "{\"a\":\(tensor("F32", "4611686018427387904,8"))}", ["safetensors.shape-mismatch"]),
    Case("overflow to zero", "{\"a\":\(tensor("F32", "4611686018427387904,8,0"))}", ["safetensors.shape-mismatch"]),
    Case("negative extents", "{\"a\":\(tensor("F32", "-2,-2"))}", ["safetensors.shape-mismatch"]),
    Case("half bytes", "{\"a\":\(tensor("F4", "31"))}", ["safetensors.shape-mismatch"]),
    Case("unknown type", "{\"a\":\(tensor("EVIL"))}", ["safetensors.unknown-dtype"]),
    Case("leading blank", " {\"a\":\(tensor())}", ["safetensors.header-start"]),
    Case("not JSON", "not json", ["safetensors.header-start", "safetensors.invalid-json!"]),
    Case("an array", "[]", ["safetensors.header-start", "safetensors.invalid-json!"]),
    Case("no bytes", "", ["safetensors.invalid-json!"]),
    Case("cut", "{\"a\":", ["safetensors.invalid-json!"]),
    Case("behind the JSON", "{\"a\":\(tensor())}  \u{1}", ["safetensors.header-padding"]),
    Case("no dtype", "{\"a\":{\"shape\":[4],\"data_offsets\":[0,16]}}", ["safetensors.invalid-header!"]),
    Case("three offsets", "{\"a\":\(tensor("F32", "4", "0,16,16"))}", ["safetensors.invalid-header!"]),
    Case("fractions", "{\"a\":\(tensor("F32", "4.0", "0,16"))}", ["safetensors.invalid-header!"]),
    Case("a number for a tensor", "{\"a\":1}", ["safetensors.invalid-header!"]),
    Case(
      "an object for a type", "{\"a\":{\"dtype\":{\"x\":[1]},\"shape\":[4],\"data_offsets\":[0,16]}}",
      ["safetensors.invalid-header!"]),
    Case(
      "extra field", "{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"x\":{\"y\":[]},\"data_offsets\":[0,16]}}",
      ["safetensors.unknown-field"]),
    Case("metadata is text", "{\"__metadata__\":\"x\",\"a\":\(tensor())}", ["safetensors.metadata-type"]),
    Case(
      "metadata holds an object", "{\"__metadata__\":{\"x\":{\"y\":1},\"z\":\"1\"},\"a\":\(tensor())}",
      ["safetensors.metadata-type"]),
    Case("half a pair", "{\"\\ud800\":\(tensor())}", ["safetensors.invalid-json", "safetensors.escaped-name"]),
  ])
  func notes(_ sample: Case) {
    let sink = read(SafetensorsFormat.self, safetensors(sample.header, sample.data), name: "m.safetensors")
    var subjects = sink.anomalySubjects
    // What a broken tensor leaves without an owner follows from it.
    if sample.expected.contains("safetensors.invalid-header!") {
      subjects.removeAll { $0 == "safetensors.trailing-bytes" }
    }
    #expect(Set(subjects) == Set(sample.expected))
    #expect(sink.keepsTheLaws())
  }

  @Test(arguments: [
    (safetensors("{}", length: 1 << 40), ["limit.safetensorsHeader!"]),
    (safetensors("{}", length: .max), ["limit.safetensorsHeader!"]),
    (safetensors("{}", length: 3), ["safetensors.truncated!"]),
    ([], ["safetensors.truncated!"]),
    ([2, 0, 0], ["safetensors.truncated!"]),
  ])
  func notesLengths(_ bytes: [UInt8], _ expected: [String]) {
    #expect(read(SafetensorsFormat.self, bytes, name: "m.safetensors").anomalySubjects == expected)
  }

  @Test func statesTensorsAndMetadata() {
    let header =
      "{\"__metadata__\":{\"format\":\"pt\",\"c\":\"{\\\"_target_\\\":\\\"os.system\\\"}\"},\"a\":\(Self.tensor())}"
    let sink = read(SafetensorsFormat.self, safetensors(header, Self.sixteen), name: "m.safetensors")
    #expect(sink.values == ["__metadata__.format=pt", "__metadata__.c={\"_target_\":\"os.system\"}"])
    let tensors = sink.facts.compactMap { fact -> TensorFact? in
      guard case .tensor(let tensor) = fact.payload else { return nil }
      return tensor
    }
    let start = 8 + header.utf8.count
    #expect(tensors == [TensorFact(name: "a", dtype: "F32", shape: [4], bytes: ByteRange(start, start + 16))])
    #expect(sink.facts.last?.place == .tensor("a"))
    #expect(sink.children.count == 1 && sink.children.first?.format == "json")
    #expect(sink.children.first?.source.prefix(99) == Array("{\"_target_\":\"os.system\"}".utf8))
  }

  @Test(
    arguments: [
      ("gap", [UInt8](repeating: 0, count: 4) + latin1("\u{80}\u{4}cos\nsystem\n(S'x'\ntR."), "pickle"),
      ("protocol 0 behind blanks", latin1("   cos\nsystem\n(S'x'\ntR."), "pickle"),
      ("zip", latin1("xxPK\u{3}\u{4}yyyy"), nil),
    ] as [(String, [UInt8], String?)])
  func carves(_ name: String, _ bytes: [UInt8], _ format: String?) {
    let tail = read(SafetensorsFormat.self, safetensors("{}", bytes), name: "m.safetensors")
    #expect(tail.children.map(\.format) == [format])
    let gapped = safetensors("{\"a\":\(Self.tensor("U8", "1", "\(bytes.count),\(bytes.count + 1)"))}", bytes + [1])
    #expect(read(SafetensorsFormat.self, gapped, name: "m.safetensors").children.map(\.format) == [format])
    let padding = safetensors("{}  ", bytes, length: UInt64(4 + bytes.count))
    #expect(read(SafetensorsFormat.self, padding, name: "m.safetensors").children.map(\.format) == [format])
  }

  @Test func noiseIsNoChild() {
    let noise = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 3) }
    #expect(read(SafetensorsFormat.self, safetensors("{}", noise), name: "m.safetensors").children.isEmpty)
  }

  @Test func noSurprise() {
    let header =
      "{\"__metadata__\":{\"x\":\"[1]\"},\"a\":\(Self.tensor("U8", "2,4", "0,8")),\"b\":\(Self.tensor("F16", "4", "8,16"))} "
    expectNoSurprise(SafetensorsFormat.self, safetensors(header, Self.sixteen), name: "m.safetensors")
  }
}
