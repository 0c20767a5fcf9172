import MScanBytes
import MScanFacts

/// The JSON header: tensors by name, and `__metadata__` from string to string. Held to the format's own rules, which are
/// stricter than those of some readers.
struct SafetensorsHeader {
  /// What an entry says of its tensor, as far as it says it.
  private struct Entry {
    var dtype: String?
    var shape: [Int]?
    var offsets: [Int]?
    /// A field had another type than it must have.
    var isMistyped = false
  }

  /// Bytes in the file before the header.
  private static let base = 8
  private static let textLimit = 4096
  private static let typeLimit = 64
  /// Extents that a `tensor` fact keeps; no library has tensors of more dimensions.
  private static let dimensions = 64

  private let input: ArtifactInput
  private let dataStart: Int
  private var reader: JSONReader
  private var keys: JSONKeys
  private var valuesLeft: Int
  private(set) var extents: [SafetensorsReader.Extent] = []

  init(_ input: ArtifactInput, dataStart: Int) {
    self.input = input
    self.dataStart = dataStart
    reader = JSONReader(nesting: input.limits.nesting)
    keys = JSONKeys(limit: input.limits.jsonKeys)
    valuesLeft = input.limits.values
  }

  /// - Returns: whether the header is JSON to its end, so that every tensor is known.
  mutating func read(_ bytes: Span<UInt8>, into sink: inout FactBuffer) -> Bool {
    do throws(ParseFailure) {
      try entries(bytes, into: &sink)
      return true
    } catch {
      let at = min(error.offset, bytes.count)
      let subject = error.reason == .limitExceeded ? "limit.\(error.fieldName)" : "safetensors.invalid-json"
      note(
        subject, at, at &+ 1, field: error.fieldName, detail: "\(error.fieldName) at byte \(at &+ Self.base)",
        incomplete: true, into: &sink)
      UnownedBytes.carve(ByteRange(Self.base &+ at, dataStart), of: input, into: &sink)
      return false
    }
  }

  private mutating func entries(_ bytes: Span<UInt8>, into sink: inout FactBuffer) throws(ParseFailure) {
    guard try next(bytes, into: &sink).kind == .beginObject else { throw ParseFailure(.malformed, "header", at: 0) }
    while true {
      let token = try next(bytes, into: &sink)
      guard token.kind == .key else { break }
      let name = JSONText.string(bytes, token, limit: Self.textLimit)
      if name == "__metadata__" {
        try metadata(bytes, into: &sink)
      } else {
        try tensor(name, token, bytes, into: &sink)
      }
    }
    // Writers pad the header with blanks; anything else is no part of it.
    let end = reader.position
    reader.skipBlanks(bytes)
    guard reader.position < bytes.count else { return }
    note(
      "safetensors.header-padding", end, bytes.count, field: "header",
      detail: "\(bytes.count &- reader.position) bytes behind the JSON, inside the header", into: &sink)
    UnownedBytes.carve(ByteRange(Self.base &+ end, Self.base &+ bytes.count), of: input, into: &sink)
  }

  // MARK: Tokens

  /// The next token; keys are compared on the way.
  private mutating func next(_ bytes: Span<UInt8>, into sink: inout FactBuffer) throws(ParseFailure) -> JSONToken {
    let token = try reader.next(bytes)
    switch token.kind {
    case .beginObject: keys.begin()
    case .endObject: keys.end()
    case .key:
      if try !keys.insert(token, bytes) {
        note(
          "safetensors.duplicate-key", token.start, token.end, field: "key",
          detail: JSONText.string(bytes, token, limit: input.limits.argumentCharacters), into: &sink)
      }
    default: break
    }
    if token.invalidUTF8 >= 0 || token.loneSurrogate >= 0 {
      note(
        "safetensors.invalid-json", token.start, token.end, field: "string", detail: "the text is not Unicode",
        into: &sink)
    }
    return token
  }

  /// Moves behind the value that `token` starts.
  private mutating func skip(
    _ token: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    guard token.kind == .beginObject || token.kind == .beginArray else { return }
    let depth = reader.depth
    while reader.depth >= depth { _ = try next(bytes, into: &sink) }
  }

  // MARK: Metadata

  private mutating func metadata(_ bytes: Span<UInt8>, into sink: inout FactBuffer) throws(ParseFailure) {
    let opening = try next(bytes, into: &sink)
    guard opening.kind == .beginObject else {
      try skip(opening, bytes, into: &sink)
      return note(
        "safetensors.metadata-type", opening.start, opening.end, field: "__metadata__", detail: "not an object",
        into: &sink)
    }
    while true {
      let key = try next(bytes, into: &sink)
      guard key.kind == .key else { return }
      let name = JSONText.string(bytes, key, limit: Self.textLimit)
      let value = try next(bytes, into: &sink)
      guard value.kind == .string else {
        note(
          "safetensors.metadata-type", value.start, value.end, field: "__metadata__",
          detail: "\(name.prefix(input.limits.argumentCharacters)) is not a string", into: &sink)
        try skip(value, bytes, into: &sink)
        continue
      }
      state(name, value, bytes, into: &sink)
    }
  }

  private mutating func state(
    _ name: String, _ value: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard valuesLeft > 0 else {
      return note(
        "limit.values", value.start, value.end, field: "__metadata__", detail: "further values are not stated",
        incomplete: true, into: &sink)
    }
    valuesLeft &-= 1
    let range = ByteRange(Self.base &+ value.start, Self.base &+ value.end)
    sink.emit(
      .value(
        ValueFact(
          keyPath: "__metadata__." + name, value: .text(JSONText.string(bytes, value, limit: Self.textLimit)))),
      artifact: input.index, range: range, place: .path("/__metadata__/" + JSONWalk.pointerStep(name)))
    queueDocument(name, value, range, bytes, into: &sink)
  }

  /// Libraries keep whole configurations as JSON in a metadata string, and build objects from them.
  private func queueDocument(
    _ name: String, _ value: JSONToken, _ range: ByteRange, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) {
    guard value.end &- value.start > 4 else { return }
    let first = bytes[value.start &+ 1]
    guard first == 0x7b || first == 0x5b else { return }
    var text: [UInt8] = []
    JSONText.decode(bytes, value, repairing: true, into: &text)
    guard isDocument(text.span) else { return }
    sink.addChild(
      Artifact(
        name: "__metadata__." + name, parent: input.index, rangeInParent: range, encoding: .jsonString,
        size: text.count),
      source: ByteSource(text), format: JSONFormat.id)
  }

  private func isDocument(_ text: Span<UInt8>) -> Bool {
    var reader = JSONReader(nesting: input.limits.nesting)
    do throws(ParseFailure) {
      while try reader.next(text).kind != .end {}
    } catch {
      return error.reason == .limitExceeded
    }
    reader.skipBlanks(text)
    return reader.position == text.count
  }

  // MARK: Tensors

  private mutating func tensor(
    _ name: String, _ key: JSONToken, _ bytes: Span<UInt8>, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    if key.isEscaped {
      note(
        "safetensors.escaped-name", key.start, key.end, field: "tensor",
        detail: String(name.prefix(input.limits.argumentCharacters)), into: &sink)
    }
    var entry = Entry()
    let opening = try next(bytes, into: &sink)
    if opening.kind == .beginObject {
      while true {
        let field = try next(bytes, into: &sink)
        guard field.kind == .key else { break }
        let fieldName = JSONText.string(bytes, field, limit: Self.textLimit)
        let value = try next(bytes, into: &sink)
        switch fieldName {
        case "dtype" where value.kind == .string:
          entry.dtype = JSONText.string(bytes, value, limit: Self.typeLimit)
        case "shape" where value.kind == .beginArray: entry.shape = try integers(bytes, into: &sink)
        case "data_offsets" where value.kind == .beginArray: entry.offsets = try integers(bytes, into: &sink)
        case "dtype", "shape", "data_offsets":
          entry.isMistyped = true
          try skip(value, bytes, into: &sink)
        default:
          note(
            "safetensors.unknown-field", field.start, field.end, field: "tensor",
            detail: "\(fieldName.prefix(input.limits.argumentCharacters))", into: &sink)
          try skip(value, bytes, into: &sink)
        }
      }
    } else {
      entry.isMistyped = true
      try skip(opening, bytes, into: &sink)
    }
    accept(entry, name, ByteRange(key.start, reader.position), into: &sink)
  }

  /// The rest of an array of whole numbers; nil if it holds anything else. Numbers no machine has become `Int.max`.
  private mutating func integers(_ bytes: Span<UInt8>, into sink: inout FactBuffer) throws(ParseFailure) -> [Int]? {
    var found: [Int] = []
    var isClean = true
    while true {
      let token = try next(bytes, into: &sink)
      if token.kind == .endArray { return isClean ? found : nil }
      guard token.kind == .number else {
        isClean = false
        try skip(token, bytes, into: &sink)
        continue
      }
      var value = 0
      let isNegative = bytes[token.start] == 0x2d
      for at in (token.start &+ (isNegative ? 1 : 0))..<token.end {
        let digit = bytes[at] &- 0x30
        guard digit < 10 else {
          isClean = false
          break
        }
        let (tens, over) = value.multipliedReportingOverflow(by: 10)
        let (sum, overSum) = tens.addingReportingOverflow(Int(digit))
        value = over || overSum ? Int.max : sum
      }
      found.append(isNegative ? -value : value)
    }
  }

  private mutating func accept(_ entry: Entry, _ name: String, _ place: ByteRange, into sink: inout FactBuffer) {
    func report(_ subject: String, _ field: String, _ detail: String, incomplete: Bool = false) {
      note(
        subject, place.start, place.end, field: field,
        detail: "\(name.prefix(input.limits.argumentCharacters)): \(detail)", incomplete: incomplete, into: &sink)
    }
    guard !entry.isMistyped, let dtype = entry.dtype, let shape = entry.shape, let offsets = entry.offsets,
      offsets.count == 2
    else {
      return report(
        "safetensors.invalid-header", "tensor", "needs dtype, shape and data_offsets of two numbers", incomplete: true)
    }
    let (begin, end) = (offsets[0], offsets[1])
    let dataLength = max(0, input.source.count &- dataStart)
    let isInside = begin >= 0 && begin <= end && end <= dataLength
    if !isInside {
      report("safetensors.out-of-file", "data_offsets", "bytes \(begin) to \(end) of \(dataLength)")
    }
    let bits = SafetensorsType.bits(dtype)
    if bits == nil {
      report("safetensors.unknown-dtype", "dtype", dtype)
    }
    if isInside, let bits, shape.contains(where: { $0 < 0 }) || SafetensorsType.bytes(shape, bits: bits) != end &- begin
    {
      report(
        "safetensors.shape-mismatch", "shape", "\(shape.prefix(Self.dimensions)) of \(dtype) in \(end &- begin) bytes")
    }
    let range = ByteRange(Self.base &+ place.start, Self.base &+ place.end)
    let (start, stop) = (min(max(0, begin), dataLength), min(max(0, end), dataLength))
    sink.emit(
      .tensor(
        TensorFact(
          name: name, dtype: dtype, shape: Array(shape.prefix(Self.dimensions)),
          bytes: ByteRange(dataStart &+ start, dataStart &+ stop))),
      artifact: input.index, range: range, place: .tensor(name))
    if begin >= 0, begin <= end { extents.append(.init(begin: begin, end: end, entry: range)) }
  }

  private func note(
    _ subject: String, _ start: Int, _ end: Int, field: String, detail: String, incomplete: Bool = false,
    into sink: inout FactBuffer
  ) {
    let range = ByteRange(Self.base &+ start, min(Self.base &+ end, dataStart))
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: detail, incomplete: incomplete)),
      artifact: input.index, range: range, place: .whole)
  }
}
