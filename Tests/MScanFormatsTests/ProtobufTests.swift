import MScanBytes
import MScanFacts
import Testing

@testable import MScanFormats

@Suite struct ProtobufTests {
  // MARK: The reader

  private func fields(_ bytes: [UInt8]) throws -> [ProtobufField] {
    var reader = ProtobufReader(ByteSource(bytes))
    var found: [ProtobufField] = []
    while let field = try reader.next(before: bytes.count) {
      found.append(field)
      reader.move(to: field.payload.end)
    }
    return found
  }

  @Test(arguments: [
    ([0x08, 0x00] as [UInt8], 1, UInt64(0)), ([0x08, 0x96, 0x01], 1, 150),
    ([0xf8, 0xff, 0xff, 0xff, 0x0f, 0x01], 536_870_911, 1),
    ([0x08] + [UInt8](repeating: 0xff, count: 9) + [0x01], 1, .max),
    // Bits that do not fit are dropped, as in the readers of the loaders.
    ([0x08] + [UInt8](repeating: 0xff, count: 9) + [0x7f], 1, .max),
    ([0x0d, 0x01, 0x02, 0x03, 0x04], 1, 0x0403_0201), ([0x09, 1, 0, 0, 0, 0, 0, 0, 0x80], 1, 0x8000_0000_0000_0001),
  ])
  func readsNumbers(_ bytes: [UInt8], _ number: Int, _ value: UInt64) throws {
    let found = try fields(bytes)
    #expect(found.map(\.number) == [number])
    #expect(found.map(\.value) == [value])
    #expect(found.map(\.range) == [ByteRange(0, bytes.count)])
  }

  @Test(arguments: [
    ([0x00] as [UInt8], ParseFailure.Reason.malformed), ([0x07, 0], .malformed), ([0x06, 0], .malformed),
    ([0x02, 0], .malformed), ([0x80, 0x80, 0x80, 0x80, 0x10, 1], .malformed),
    ([0x08] + [UInt8](repeating: 0x80, count: 10) + [0], .malformed), ([0x08], .truncated), ([0x08, 0x80], .truncated),
    ([0x0d, 1, 2, 3], .truncated), ([0x09, 1], .truncated), ([0x0a], .truncated), ([0x80], .truncated),
  ])
  func refuses(_ bytes: [UInt8], _ reason: ParseFailure.Reason) {
    do {
      _ = try fields(bytes)
      Issue.record("it was read")
    } catch {
      #expect((error as? ParseFailure)?.reason == reason)
    }
  }

  @Test(arguments: [UInt64(4), 1 << 31, 1 << 62, .max])
  func cutsLengths(_ length: UInt64) throws {
    let found = try fields([0x0a] + Proto.varint(length) + [1, 2, 3])
    #expect(found.map(\.isCut) == [true])
    #expect(found.map(\.payload.count) == [3])
  }

  @Test func skipsWithoutReading() throws {
    let blob = [UInt8](repeating: 0, count: 1 << 20)
    let bytes = (0..<8).flatMap { _ in Proto.bytes(1, blob) + Proto.number(2, 7) }
    var reader = ProtobufReader(ByteSource(bytes))
    var count = 0
    while let field = try reader.next(before: bytes.count) {
      count += 1
      reader.move(to: field.payload.end)
    }
    #expect(count == 16)
    #expect(reader.bytesRead < 16 * 1024)
  }

  @Test func readsThroughItsWindow() throws {
    let texts = (0..<4000).map { "name number \($0)" }
    let bytes = texts.flatMap { Proto.text(1, $0) }
    var reader = ProtobufReader(ByteSource(bytes))
    var found: [String] = []
    while let field = try reader.next(before: bytes.count) {
      found.append(reader.text(field.payload, limit: 100))
      reader.move(to: field.payload.end)
    }
    #expect(found == texts)
    #expect(reader.bytesRead < bytes.count + (1 << 17))
  }

  @Test func cutsTextsBetweenCharacters() throws {
    let bytes = Array("aéé".utf8)
    var reader = ProtobufReader(ByteSource(bytes))
    #expect(reader.text(ByteRange(0, 5), limit: 5) == "aéé")
    #expect(reader.text(ByteRange(0, 5), limit: 4) == "aé…")
    #expect(reader.text(ByteRange(0, 5), limit: 3) == "aé…" || reader.text(ByteRange(0, 5), limit: 3) == "a…")
  }

  // MARK: The walk, on ONNX

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let tail: [UInt8]
    let expected: [String]
    init(_ name: String, _ tail: [UInt8], _ expected: [String]) {
      (testDescription, self.tail, self.expected) = (name, tail, expected)
    }
  }

  @Test(arguments: [
    Case("nothing", [], []),
    Case("unknown", Proto.text(500, "x") + Proto.text(501, "y"), ["protobuf.unknown-field"]),
    Case("unknown number", Proto.number(99, 1), ["protobuf.unknown-field"]),
    Case("wrong type", Proto.number(2, 1), ["protobuf.wire-type"]),
    Case("a message as a number", Proto.number(7, 1), ["protobuf.wire-type"]),
    Case("twice", Proto.number(1, 9), ["protobuf.repeated-field"]),
    Case("group", [0x53, 0x08, 0x01, 0x54], ["protobuf.group"]),
    Case("group in a group", [0x53, 0x5b, 0x5c, 0x54], ["protobuf.group", "protobuf.group"]),
    Case("open group", [0x53, 0x08, 0x01], ["protobuf.malformed!", "protobuf.group"]),
    Case("other end", [0x53, 0x5c], ["protobuf.group", "protobuf.malformed!"]),
    Case("end alone", [0x54], ["protobuf.malformed!"]),
    Case("no field", [0x00], ["protobuf.malformed!"]),
    Case("overlong", [0x28, 0x81, 0x00], ["protobuf.overlong-varint"]),
    Case("overlong tag", [0xa8, 0x00, 0x01], ["protobuf.overlong-varint"]),
    Case("beyond the file", [0x72, 0x7f, 0x0a, 0x01], ["protobuf.truncated!"]),
    Case("beyond its message", Proto.message(14, [0x0a, 0x7f, 0x61]) + Proto.number(5, 1), ["protobuf.malformed!"]),
    Case(
      "broken inside", Proto.message(14, [0x07]) + Proto.text(500, "x"),
      ["protobuf.malformed!", "protobuf.unknown-field"]),
  ])
  func notes(_ sample: Case) {
    let sink = read(ONNXFormat.self, ONNXTests.model() + sample.tail, name: "m.onnx")
    #expect(sink.anomalySubjects == sample.expected)
    #expect(sink.graphOperations == ["onnx.Add"])
    #expect(sink.keepsTheLaws())
  }

  @Test func nestingEnds() {
    var graph = Proto.message(1, Proto.text(4, "Add"))
    for _ in 0..<2000 { graph = Proto.message(1, Proto.text(4, "If") + Proto.message(5, Proto.bytes(6, graph))) }
    let sink = read(ONNXFormat.self, Proto.number(1, 8) + Proto.bytes(7, graph), name: "m.onnx")
    #expect(sink.anomalySubjects == ["limit.nesting!"])
    #expect(sink.graphOperations.count == 1)
    let groups = read(
      ONNXFormat.self, ONNXTests.model() + [UInt8](repeating: 0x53, count: 100_000), name: "m.onnx")
    #expect(groups.anomalySubjects.contains("limit.nesting!"))
    #expect(groups.facts.count < 20)
  }

  @Test func namesResolve() {
    expectWhole(ONNXSchema.model)
    expectWhole(ONNXSchema.tensor)
    expectWhole(TensorFlowSchema.savedModel)
    expectWhole(TensorFlowSchema.metaGraph)
    expectWhole(TensorFlowSchema.graph)
    expectWhole(KerasMetadataVisitor.schema)
    expectWhole(CoreMLSchema.model)
    expectWhole(PaddleVisitor.schema)
    expectWhole(CaffeVisitor.schema)
  }

  private func expectWhole<Role>(_ schema: ProtobufSchema<Role>) {
    #expect(Set(schema.messages.map(\.name.description)).count == schema.messages.count)
    for message in schema.messages {
      for field in message.fields {
        guard case .message = field.shape else { continue }
        #expect(field.message != nil, "\(message.name).\(field.name)")
      }
      #expect(Set(message.fields.map(\.number)).count == message.fields.count, "\(message.name)")
    }
  }
}
