import MScanBytes
public import MScanFacts

/// TensorFlow Lite: a FlatBuffers file of operators, subgraphs, tensors and buffers. Weights are not read; a zip of
/// associated files behind the model is queued. Source: `schema.fbs` of TensorFlow Lite, 2025.
public enum TFLiteFormat: Format {
  public static let id = "tflite"

  public static func read(_ input: ArtifactInput, into sink: inout FactBuffer) {
    let mark = sink.facts.count
    var reader = TFLiteReader(input)
    reader.read(into: &sink)
    sink.sortFacts(after: mark)
  }
}

struct TFLiteReader {
  private static let version: UInt64 = 3
  static let textLimit = 4096
  private static let nameLimit = 256
  /// Operator codes that are kept; real models have at most a hundred.
  private static let codeLimit = 1 << 16
  /// Bytes behind the last thing read that vectors of options may take.
  private static let tolerance = 1024

  struct OperatorCode {
    var builtin: Int
    /// The name of an operator that is not built in.
    var custom: String
  }

  let input: ArtifactInput
  var buffer: FlatBuffer
  var codes: [OperatorCode] = []
  /// Bytes of each buffer in the file; empty when it has none.
  var buffers: [ByteRange] = []
  /// Last byte that a buffer outside of the FlatBuffers part has.
  var outsideEnd = 0
  /// Parts that are not walked may have vectors of any length.
  var isOpen = false

  init(_ input: ArtifactInput) {
    self.input = input
    buffer = FlatBuffer(input.source, limits: input.limits)
  }

  mutating func read(into sink: inout FactBuffer) {
    do throws(ParseFailure) {
      let model = try buffer.root("Model")
      let version = try buffer.number(0, of: model, width: 4, "version")
      if version != Self.version {
        note("tflite.version", model.range, field: "version", detail: "version \(version)", into: &sink)
      }
      try operatorCodes(model)
      try readBuffers(model, into: &sink)
      try metadata(model, into: &sink)
      try subgraphs(model, into: &sink)
    } catch {
      sink.emit(error, format: TFLiteFormat.id, artifact: input.index, size: input.source.count)
      isOpen = true
    }
    tail(into: &sink)
  }

  // MARK: Tables of the model

  private mutating func operatorCodes(_ model: FlatBuffer.Table) throws(ParseFailure) {
    guard let vector = try buffer.vector(1, of: model, width: 4, "operator_codes") else { return }
    guard vector.count <= Self.codeLimit else {
      throw ParseFailure(.limitExceeded, "flatBufferSteps", at: vector.start)
    }
    for index in 0..<vector.count {
      let table = try buffer.table(index, of: vector, "operator_codes")
      // One byte in old files; a placeholder there and four bytes in field 3 since.
      let old = try buffer.number(0, of: table, width: 1, "deprecated_builtin_code")
      let new = try buffer.number(3, of: table, width: 4, "builtin_code")
      let custom = try buffer.string(1, of: table, limit: Self.nameLimit, "custom_code")
      codes.append(OperatorCode(builtin: Int(max(old & 0x7f, new)), custom: custom ?? ""))
    }
  }

  private mutating func readBuffers(
    _ model: FlatBuffer.Table, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard let vector = try buffer.vector(4, of: model, width: 4, "buffers") else { return }
    for index in 0..<vector.count {
      let table = try buffer.table(index, of: vector, "buffers")
      if let data = try buffer.vector(0, of: table, width: 1, "data") {
        buffers.append(data.range)
        continue
      }
      let offset = try buffer.number(1, of: table, width: 8, "offset")
      let size = try buffer.number(2, of: table, width: 8, "size")
      buffers.append(outside(offset, size, "buffer \(index)", table, into: &sink))
    }
  }

  /// Bytes that lie behind the FlatBuffers part: offsets 0 and 1 mean that there are none.
  mutating func outside(
    _ offset: UInt64, _ size: UInt64, _ owner: String, _ table: FlatBuffer.Table, into sink: inout FactBuffer
  ) -> ByteRange {
    guard offset > 1, size > 0 else { return ByteRange(0, 0) }
    guard let start = Int(exactly: offset), start <= input.source.count, let count = Int(exactly: size),
      count <= input.source.count &- start
    else {
      note(
        "tflite.out-of-file", table.range, field: "offset",
        detail: "\(owner): \(size) bytes at \(offset) of \(input.source.count)", into: &sink)
      return ByteRange(0, 0)
    }
    outsideEnd = max(outsideEnd, start &+ count)
    return ByteRange(at: start, count: count)
  }

  private mutating func metadata(_ model: FlatBuffer.Table, into sink: inout FactBuffer) throws(ParseFailure) {
    if let text = try buffer.string(3, of: model, limit: Self.textLimit, "description") {
      state("description", .text(text), model, into: &sink)
    }
    if let vector = try buffer.vector(6, of: model, width: 4, "metadata") {
      for index in 0..<vector.count {
        let table = try buffer.table(index, of: vector, "metadata")
        let name = try buffer.string(0, of: table, limit: Self.textLimit, "name") ?? ""
        let number = try buffer.number(1, of: table, width: 4, "buffer")
        let bytes = range(ofBuffer: number, "metadata \(name)", table, into: &sink)
        try buffer.charge(Self.textLimit / 64, at: table.position)
        let head = input.source.prefix(min(bytes.count, Self.textLimit), at: bytes.start)
        let text = head.prefix { $0 != 0 }
        let isText = Identify.isText(Array(text), whole: true) && head[text.endIndex...].allSatisfy { $0 == 0 }
        state(
          "metadata." + name, isText ? .text(String(decoding: text, as: UTF8.self)) : .array(bytes.count), table,
          into: &sink)
      }
    }
    guard let vector = try buffer.vector(7, of: model, width: 4, "signature_defs") else { return }
    for index in 0..<vector.count {
      let table = try buffer.table(index, of: vector, "signature_defs")
      let key = try buffer.string(2, of: table, limit: Self.textLimit, "signature_key") ?? ""
      let subgraph = try buffer.number(4, of: table, width: 4, "subgraph_index")
      state("signature." + key, .number(String(subgraph)), table, into: &sink)
    }
  }

  func range(
    ofBuffer number: UInt64, _ owner: String, _ table: FlatBuffer.Table, into sink: inout FactBuffer
  ) -> ByteRange {
    guard let index = Int(exactly: number), buffers.indices.contains(index) else {
      note(
        "tflite.index", table.range, field: "buffer", detail: "\(owner): buffer \(number) of \(buffers.count)",
        into: &sink)
      return ByteRange(0, 0)
    }
    return buffers[index]
  }

  // MARK: Behind the model

  /// A zip that starts behind the model holds its labels and vocabularies. Other bytes there have no owner.
  private func tail(into sink: inout FactBuffer) {
    let size = input.source.count
    let end = min(max(buffer.reach, outsideEnd), size)
    let rest = ByteRange(end, size)
    if Identify.hasZipTail(input.source, head: input.source.prefix(4)) {
      let window = input.source.prefix(1 << 16, at: end)
      let start = window.indices.first { window[$0...].starts(with: [0x50, 0x4b, 3, 4]) }
      if let start, isOpen || start <= Self.tolerance {
        let place = ByteRange(end &+ start, size)
        sink.addChild(
          Artifact(name: "associated files", parent: input.index, rangeInParent: place, size: place.count),
          source: input.source.slice(place), format: ZipFormat.id)
      } else {
        note(
          "tflite.overlaid-zip", ByteRange(max(0, size &- 22), size), field: "end of central directory",
          detail: "a zip ends where the model does, and does not start behind it", into: &sink)
        sink.addChild(
          Artifact(
            name: "read as zip", parent: input.index, rangeInParent: ByteRange(0, size), encoding: .reading, size: size),
          source: input.source, format: ZipFormat.id)
      }
      return
    }
    guard !rest.isEmpty else { return }
    if rest.count > Self.tolerance, !isOpen {
      note(
        "tflite.trailing-bytes", rest, field: "", detail: "\(rest.count) bytes behind the model", into: &sink)
    }
    UnownedBytes.carve(rest, of: input, into: &sink)
  }

  // MARK: Facts

  func state(_ path: String, _ value: ValueFact.Scalar, _ table: FlatBuffer.Table, into sink: inout FactBuffer) {
    sink.emit(
      .value(ValueFact(keyPath: path, value: value)), artifact: input.index, range: table.range,
      place: .path("/" + JSONWalk.pointerStep(path)))
  }

  func note(
    _ subject: String, _ range: ByteRange, field: String, detail: String, into sink: inout FactBuffer
  ) {
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail)), artifact: input.index, range: range,
      place: .whole)
  }
}
