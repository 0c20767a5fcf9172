import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct MessagePackTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let expected: [String]
    init(_ name: String, _ bytes: [UInt8], _ expected: [String] = []) {
      (testDescription, self.bytes, self.expected) = (name, bytes, expected)
    }
  }

  static let array = bytes(0x93, 0x91, 2, 0xa2, "f4", 0xc4, 8, [UInt8](repeating: 0, count: 8))

  /// Pieces end to end: a number is a byte, a text its own bytes.
  static func bytes(_ pieces: Any...) -> [UInt8] {
    pieces.flatMap { piece -> [UInt8] in
      switch piece {
      case let number as Int: [UInt8(truncatingIfNeeded: number)]
      case let text as String: Array(text.utf8)
      default: piece as? [UInt8] ?? []
      }
    }
  }

  static func ext(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] { [0xc7, UInt8(payload.count), type] + payload }

  @Test(arguments: [
    Case("empty map", [0x80]), Case("number", [0xcd, 1, 0]), Case("negative", [0xd1, 0xff, 0xfe]),
    Case("array", bytes(0x81, 0xa1, "w", ext(1, array))),
    Case("timestamp", [0x81, 0xa1, 0x74, 0xd6, 0xff, 0, 0, 0, 0]),
    Case("no type", [0xc1], ["msgpack.malformed!"]),
    Case("nothing", [], ["msgpack.truncated!"]),
    Case("map too long", [0xdf, 0xff, 0xff, 0xff, 0xff, 1], ["msgpack.truncated!"]),
    Case("text too long", [0xdb, 0xff, 0xff, 0xff, 0xff, 1], ["msgpack.truncated!"]),
    Case("bytes too long", [0xc6, 0xff, 0xff, 0xff, 0xff, 1], ["msgpack.truncated!"]),
    Case("extension too long", [0xc9, 0xff, 0xff, 0xff, 0xff, 1, 1], ["msgpack.truncated!"]),
    Case("trailing", [0x80, 1], ["msgpack.trailing-bytes"]),
    Case("duplicate", [0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2], ["msgpack.duplicate-key"]),
    Case("same key on two levels", [0x82, 0xa1, 0x61, 1, 0xa1, 0x62, 0x81, 0xa1, 0x61, 2]),
    Case("container as a key", [0x81, 0x90, 1], ["msgpack.key"]),
    Case("unknown extension", bytes(0x81, 0xa1, "w", ext(42, [0])), ["msgpack.extension"]),
    Case("array that is none", bytes(0x81, 0xa1, "w", ext(1, [0x93, 1, 2, 3])), ["msgpack.extension"]),
    Case(
      "objects", bytes(0x82, 0xa2, "nd", 0xc3, 0xa4, "kind", 0xa1, "O"),
      ["msgpack.object-array"]),
    Case(
      "not objects", bytes(0x82, 0xa2, "xd", 0xc3, 0xa4, "kind", 0xa1, "O")),
  ])
  func notes(_ sample: Case) {
    for interest in [ValueInterest.all, ValueInterest()] {
      let sink = read(MessagePackFormat.self, sample.bytes, name: "m.msgpack", interest: interest)
      #expect(sink.anomalySubjects == sample.expected)
      #expect(sink.keepsTheLaws())
    }
  }

  @Test(
    arguments: [
      ([0x00], "0"), ([0x7f], "127"), ([0xff], "-1"), ([0xcc, 0xff], "255"), ([0xd0, 0x80], "-128"),
      ([0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
      ([0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"), ([0xca, 0x3f, 0, 0, 0], "0.5"),
      ([0xc2], "false"), ([0xc0], "null"), ([0xa1, 0x78], "x"), ([0x90], "[0]"), ([0x80], "{0}"),
    ] as [([UInt8], String)])
  func states(_ value: [UInt8], _ expected: String) {
    let sink = read(MessagePackFormat.self, Self.bytes(0x81, 0xa1, "a", value), name: "m.msgpack")
    #expect(sink.values == ["a=" + expected])
  }

  @Test func statesArraysByTheirPath() {
    let sample = Self.bytes(0x81, 0xa1, "p", 0x81, 0xa1, "w", Self.ext(1, Self.array))
    let sink = read(MessagePackFormat.self, sample, name: "m.msgpack", interest: ValueInterest())
    let tensors = sink.facts.compactMap { fact -> TensorFact? in
      guard case .tensor(let tensor) = fact.payload else { return nil }
      return tensor
    }
    let end = sample.count
    #expect(tensors == [TensorFact(name: "p.w", dtype: "f4", shape: [2], bytes: ByteRange(end - 8, end))])
  }

  /// A pickle where an array has bytes is read, and that of an array of objects whatever it starts with.
  @Test func queuesPickles() {
    let pickle = latin1("\u{80}\u{4}]\u{94}.")
    let plain = Self.bytes(0x81, 0xa1, "a", 0xc4, pickle.count, pickle)
    #expect(read(MessagePackFormat.self, plain, name: "m.msgpack").children.count == 1)
    let text = latin1("I1\n.")
    let objects =
      Self.bytes(
        0x83, 0xa2, "nd", 0xc3, 0xa4, "kind", 0xa1, "O", 0xa4, "data", 0xc4, text.count, text)
    #expect(read(MessagePackFormat.self, objects, name: "m.msgpack").children.map(\.format) == ["pickle"])
  }

  @Test func keepsToItsLimits() {
    var limits = Limits()
    limits.messagePackItems = 3
    let sample: [UInt8] = [0x94, 1, 2, 3, 4]
    #expect(
      read(MessagePackFormat.self, sample, name: "m", limits: limits).anomalySubjects == ["limit.messagePackItems!"])
    let deep = [UInt8](repeating: 0x91, count: 2000) + [1]
    #expect(read(MessagePackFormat.self, deep, name: "m").anomalySubjects.contains("limit.nesting!"))
  }

  @Test func noSurprise() {
    let float = [UInt8](repeating: 0, count: 8)
    let sample = Self.bytes(
      0x84, 0xa1, "w", Self.ext(1, Self.array), 0xa1, "x", 0x92, 0xcb, float, 0xd9, 2, "ab", 0xa1, "y",
      Self.ext(9, [1, 2]), 0xa1, "z", 0xc4, 3, 0x80, 2, 0x2e)
    expectNoSurprise(MessagePackFormat.self, sample, name: "m.msgpack")
  }
}
