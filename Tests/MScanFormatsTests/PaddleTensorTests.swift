import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct PaddleTensorTests {
  struct Case: Sendable {
    var bytes: [UInt8]
    var tensors: Int
    var expected: [String]
  }

  /// A tensor of so many levels, with a description and data.
  static func tensor(levels: UInt32 = 0, _ description: [UInt8], _ data: [UInt8]) -> [UInt8] {
    var bytes = NamedFormatsTests.words(0, levels, 0, 0, UInt32(description.count))
    bytes += description
    bytes += data
    return bytes
  }

  static let data = NamedFormatsTests.words(1, 2)
  static let plain = tensor([8, 5, 16, 2], data)
  static let packed = tensor([8, 5, 18, 2, 1, 2], data)
  static let cases: [Case] = [
    Case(bytes: plain, tensors: 1, expected: []), Case(bytes: packed, tensors: 1, expected: []),
    Case(bytes: plain + packed, tensors: 2, expected: []),
    Case(bytes: plain + [1], tensors: 1, expected: ["paddle-tensor.truncated!"]),
    Case(bytes: Array(plain.dropLast()), tensors: 0, expected: ["paddle-tensor.truncated!"]),
    Case(bytes: tensor(levels: 99, [8, 5, 16, 2], data), tensors: 0, expected: ["paddle-tensor.malformed!"]),
    Case(bytes: tensor([8, 99, 16, 2], data), tensors: 0, expected: ["paddle-tensor.malformed!"]),
    Case(bytes: tensor([16, 2], data), tensors: 0, expected: ["paddle-tensor.malformed!"]),
    // Two extents of 2^62.
    Case(
      bytes: tensor([8, 5] + [16, 128, 128, 128, 128, 128, 128, 128, 128, 64] + [16, 4], data), tensors: 0,
      expected: ["paddle-tensor.malformed!"]),
  ]

  @Test(arguments: cases)
  func reads(_ sample: Case) {
    let sink = read(PaddleTensorFormat.self, sample.bytes, name: "w")
    #expect(sink.facts.count { $0.kind == .tensor } == sample.tensors)
    #expect(sink.anomalySubjects == sample.expected)
  }

  @Test func noSurprise() {
    expectNoSurprise(PaddleTensorFormat.self, Self.plain + Self.packed, name: "w")
  }
}
