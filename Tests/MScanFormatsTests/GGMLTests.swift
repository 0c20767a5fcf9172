import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct GGMLTests {
  private static func token(_ text: String, score: Bool = false) -> [UInt8] {
    NamedFormatsTests.joined(
      NamedFormatsTests.words(UInt32(text.utf8.count)), latin1(text), score ? [0, 0, 0, 0] : [])
  }

  /// A header, two tokens, and what is behind them.
  private static func model(_ magic: String, _ header: [UInt8], score: Bool = false, _ rest: [UInt8]...) -> [UInt8] {
    NamedFormatsTests.joined(
      latin1(magic), header, token("a", score: score), token("b", score: score), Array(rest.joined()))
  }

  static let tensor = NamedFormatsTests.joined(NamedFormatsTests.words(1, 1, 0, 2), latin1("w"))
  static let data = NamedFormatsTests.words(1, 2)
  static let numbers = NamedFormatsTests.words(1, 2, 8, 1, 1, 1, 1, 0)
  static let whisper = model(
    "lmgg", NamedFormatsTests.words(3, 1500, 8, 1, 1, 8, 8, 1, 1, 2, 0, 1, 1, 0, 2), tensor, data)
  static let gpt = model("lmgg", NamedFormatsTests.words(2, 8, 8, 1, 1, 0, 2), tensor, data)
  static let llama = model("fmgg", numbers, score: true, tensor, data)
  static let adapter = NamedFormatsTests.joined(
    latin1("algg"), NamedFormatsTests.words(1, 8, 16), tensor, [UInt8](repeating: 0, count: 31), data)

  struct Case: Sendable {
    var bytes: [UInt8]
    var expected: [String]
  }

  static let readable: [Case] = [
    Case(bytes: whisper, expected: ["layout=whisper", "n_vocab=3", "vocabulary=[2]"]),
    Case(bytes: gpt, expected: ["layout=gpt", "n_vocab=2", "vocabulary=[2]"]),
    Case(bytes: llama, expected: ["layout=llama", "n_vocab=2", "vocabulary=[2]"]),
    Case(bytes: adapter, expected: ["lora_r=8", "lora_alpha=16"]),
  ]

  @Test(arguments: readable)
  func reads(_ sample: Case) {
    let sink = read(GGMLFormat.self, sample.bytes, name: "m.bin")
    #expect(sink.anomalySubjects.isEmpty)
    #expect(Set(sink.values).isSuperset(of: sample.expected))
    #expect(sink.facts.last?.place == .tensor("w"))
    #expect(sink.keepsTheLaws())
  }

  static let broken: [Case] = [
    Case(
      bytes: NamedFormatsTests.joined(latin1("lmgg"), NamedFormatsTests.words(.max, 1)), expected: ["ggml.unsupported!"]
    ),
    Case(bytes: NamedFormatsTests.joined(latin1("fmgg"), NamedFormatsTests.words(9)), expected: ["ggml.unsupported!"]),
    Case(bytes: llama + [1], expected: ["ggml.truncated!"]),
    Case(
      bytes: model("fmgg", numbers, score: true, NamedFormatsTests.words(9, 1, 0)), expected: ["ggml.malformed!"]),
    Case(
      bytes: model("fmgg", numbers, score: true, NamedFormatsTests.words(1, 1, 99, 2), [0x77]),
      expected: ["ggml.unsupported!"]),
  ]

  @Test(arguments: broken)
  func notes(_ sample: Case) {
    #expect(read(GGMLFormat.self, sample.bytes, name: "m.bin").anomalySubjects == sample.expected)
  }

  @Test(arguments: readable)
  func noSurprise(_ sample: Case) { expectNoSurprise(GGMLFormat.self, sample.bytes, name: "m.bin") }
}
