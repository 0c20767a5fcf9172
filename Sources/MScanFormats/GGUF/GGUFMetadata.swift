import MScanBytes
import MScanFacts

/// Types of a metadata value, by their number.
enum GGUFValueType: UInt32 {
  case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// Bytes of one value; of one without contents for strings and arrays.
  func width(version: UInt32) -> Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string: version == 1 ? 4 : 8
    case .array: version == 1 ? 8 : 12
    }
  }
}

extension GGUFReader {
  private static let keyLimit = 65_535
  /// Elements up to which an array that a rule could name is stated one by one.
  private static let shortArray = 64
  /// Longest text that is only a value; longer ones are artifacts of their own besides.
  private static let embeddedText = 4096
  private static let template = "tokenizer.chat_template"

  private struct Key {
    var path: String
    var place: Place
    var range: ByteRange
    var isWanted: Bool
  }

  private struct OpenArray {
    var type: GGUFValueType
    var left: Int
  }

  /// One key and its value.
  mutating func entry(into sink: inout FactBuffer) throws(ParseFailure) {
    try checkRoom()
    let start = wire.offset
    let (bytes, text) = try string("key", limit: Self.keyLimit, of: "a key", into: &sink)
    let path = String(decoding: bytes.prefix(Self.textLimit), as: UTF8.self)
    let steps = path.split(separator: ".", omittingEmptySubsequences: true)
    var key = Key(
      path: path, place: .path("/" + JSONWalk.pointerStep(path)), range: ByteRange(start, wire.offset),
      isWanted: input.interest.everything || steps.contains { input.interest.wants(key: String($0)) })
    if text.count > Self.keyLimit || bytes.isEmpty || !bytes.allSatisfy({ (0x21..<0x7f).contains($0) }) {
      note(
        "gguf.key-name", key.range, field: "key", detail: "\(text.count) bytes: '\(short(path))'", place: key.place,
        into: &sink)
    }
    if !keys.insert(Self.digest(bytes)).inserted {
      note("gguf.duplicate-key", key.range, field: "key", detail: short(path), place: key.place, into: &sink)
    }
    let type = try valueType(of: key, into: &sink)
    if type == .array {
      try array(&key, into: &sink)
    } else {
      let value = try scalar(type, of: key, into: &sink)
      key.range = ByteRange(start, wire.offset)
      if let value { state(value, at: key.path, key, into: &sink) }
      if key.path == "general.alignment" { checkAlignment(value, type, key, into: &sink) }
    }
  }

  private mutating func valueType(of key: Key, into sink: inout FactBuffer) throws(ParseFailure) -> GGUFValueType {
    let start = wire.offset
    let number = try wire.readUInt32("value_type")
    guard let type = GGUFValueType(rawValue: number) else {
      throw stop(
        "gguf.unknown-value-type", ByteRange(start, wire.offset), field: "value_type",
        detail: "\(short(key.path)): type \(number), 0 to 12 exist", place: key.place, into: &sink)
    }
    return type
  }

  // MARK: Scalars

  /// A value that is no array; nil for a text that was queued or cut, and stated already.
  private mutating func scalar(
    _ type: GGUFValueType, of key: Key, into sink: inout FactBuffer
  ) throws(ParseFailure) -> ValueFact.Scalar? {
    if type == .string { return try text(of: key, into: &sink) }
    let start = wire.offset
    let raw = try wire.readUnsigned(type.width(version: version), "value")
    if type == .bool, raw > 1 {
      note(
        "gguf.boolean", ByteRange(start, wire.offset), field: "value", detail: "\(short(key.path)) is \(raw)",
        place: key.place, into: &sink)
    }
    if ["split.no", "split.count"].contains(key.path) { agreements[key.path] = (raw, key.range) }
    if key.path.hasSuffix("_token_id"), key.path.hasPrefix("tokenizer.ggml.") {
      vocabulary.add(key.path, id: raw, key.range)
    }
    return Self.scalar(type, raw)
  }

  private static func scalar(_ type: GGUFValueType, _ raw: UInt64) -> ValueFact.Scalar {
    switch type {
    case .bool: .boolean(raw != 0)
    case .int8: .number(String(Int8(truncatingIfNeeded: raw)))
    case .int16: .number(String(Int16(truncatingIfNeeded: raw)))
    case .int32: .number(String(Int32(truncatingIfNeeded: raw)))
    case .int64: .number(String(Int64(bitPattern: raw)))
    case .float32: number(Float(bitPattern: UInt32(truncatingIfNeeded: raw)))
    case .float64: number(Double(bitPattern: raw))
    default: .number(String(raw))
    }
  }

  /// JSON has no word for infinities and for what is no number.
  private static func number(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> ValueFact.Scalar {
    value.isFinite ? .number(value.description) : .text(value.description)
  }

  /// A string. Chat templates are stated whole, and queued to be read as what they are; other long texts are queued too.
  private mutating func text(
    of key: Key, into sink: inout FactBuffer
  ) throws(ParseFailure) -> ValueFact.Scalar {
    let isTemplate = key.path == Self.template || key.path.hasPrefix(Self.template + ".")
    let limit = isTemplate ? input.limits.templateBytes : Self.embeddedText
    let (bytes, range) = try string("value", limit: limit, of: key.path, into: &sink)
    if isTemplate, range.count > limit {
      note(
        "limit.templateBytes", range, field: "value",
        detail: "\(short(key.path)) has \(range.count) bytes, \(limit) were read", incomplete: true, place: key.place,
        into: &sink)
    }
    if isTemplate || range.count > Self.embeddedText {
      sink.addChild(
        Artifact(name: short(key.path), parent: input.index, rangeInParent: range, size: range.count),
        source: input.source.slice(range), format: isTemplate ? "jinja" : nil)
    }
    return .text(String(decoding: bytes, as: UTF8.self))
  }

  private mutating func state(
    _ value: ValueFact.Scalar, at path: String, _ key: Key, into sink: inout FactBuffer
  ) {
    guard valuesLeft > 0 else {
      return note(
        "limit.values", key.range, field: "value", detail: "further values are checked, not stated", incomplete: true,
        into: &sink)
    }
    valuesLeft &-= 1
    sink.emit(
      .value(ValueFact(keyPath: path, value: value)), artifact: input.index, range: key.range, place: key.place)
  }

  /// Every offset depends on it.
  private mutating func checkAlignment(
    _ value: ValueFact.Scalar?, _ type: GGUFValueType, _ key: Key, into sink: inout FactBuffer
  ) {
    if type == .uint32, case .number(let digits) = value, let number = Int(digits), number > 0,
      number & (number &- 1) == 0
    {
      alignment = number
      return
    }
    note(
      "gguf.alignment", key.range, field: "general.alignment",
      detail: "\(value.map { ValueFact(keyPath: "", value: $0).rendered.prefix(40) } ?? "") as \(type)",
      place: key.place, into: &sink)
  }

  // MARK: Arrays

  /// An array, and arrays in it: all is walked, and stated one by one only where a rule could name it.
  private mutating func array(_ key: inout Key, into sink: inout FactBuffer) throws(ParseFailure) {
    let start = key.range.start
    let outer = try openArray(of: key, into: &sink)
    if key.path.hasPrefix("tokenizer.ggml.") {
      agreements[key.path] = (UInt64(truncatingIfNeeded: outer.left), key.range)
      vocabulary.add(key.path, outer.type, count: outer.left, at: wire.offset)
    }
    let statesElements = input.interest.everything || key.isWanted && outer.left <= Self.shortArray
    let count = outer.left
    var open = [outer]
    // The array's own fact comes before those of its elements.
    key.range = ByteRange(start, wire.offset)
    state(.array(count), at: key.path, key, into: &sink)
    while let top = open.last {
      guard top.left > 0 else {
        open.removeLast()
        continue
      }
      if top.type == .array {
        open[open.count &- 1].left &-= 1
        guard open.count < input.limits.nesting else {
          throw ParseFailure(.limitExceeded, "nesting", at: wire.offset)
        }
        if open.count == 1, top.left == count {
          note("gguf.nested-array", key.range, field: "array", detail: short(key.path), place: key.place, into: &sink)
        }
        open.append(try openArray(of: key, into: &sink))
        continue
      }
      open.removeLast()
      let isListed = statesElements && open.isEmpty
      try elements(top, of: key, isListed: isListed, into: &sink)
    }
  }

  private mutating func openArray(of key: Key, into sink: inout FactBuffer) throws(ParseFailure) -> OpenArray {
    let type = try valueType(of: key, into: &sink)
    let left = try length(
      "array length", each: type.width(version: version), of: key.path, into: &sink)
    return OpenArray(type: type, left: left)
  }

  /// The scalars of one array.
  private mutating func elements(
    _ array: OpenArray, of key: Key, isListed: Bool, into sink: inout FactBuffer
  ) throws(ParseFailure) {
    if !isListed, array.type != .string, array.type != .bool {
      // `length` has checked that the product is inside the file.
      return try wire.skip(array.left &* array.type.width(version: version), "array")
    }
    for index in 0..<array.left {
      if index & 0xfff == 0 { try checkRoom() }
      let start = wire.offset
      if !isListed, array.type == .string {
        let length = try length("array element", each: 1, of: key.path, into: &sink)
        try wire.skip(length, "array element")
        continue
      }
      var element = key
      guard let value = try listed(array.type, of: key, into: &sink), isListed else { continue }
      element.range = ByteRange(start, wire.offset)
      element.place = .path("/" + JSONWalk.pointerStep(key.path) + "/\(index)")
      state(value, at: "\(key.path).\(index)", element, into: &sink)
    }
  }

  private mutating func listed(
    _ type: GGUFValueType, of key: Key, into sink: inout FactBuffer
  ) throws(ParseFailure) -> ValueFact.Scalar? {
    guard type == .string else { return try scalar(type, of: key, into: &sink) }
    let (bytes, _) = try string("array element", limit: Self.embeddedText, of: key.path, into: &sink)
    return .text(String(decoding: bytes, as: UTF8.self))
  }

  // MARK: Agreement

  /// Readers take the length of one table for that of the others.
  mutating func checkAgreements(into sink: inout FactBuffer) {
    let tokens = "tokenizer.ggml.tokens"
    if let length = agreements[tokens] {
      for key in ["tokenizer.ggml.scores", "tokenizer.ggml.token_type"] {
        guard let other = agreements[key], other.value != length.value else { continue }
        note(
          "gguf.vocabulary-mismatch", other.range, field: key,
          detail: "\(key) has \(other.value) entries, \(tokens) has \(length.value)", into: &sink)
      }
    }
    stateTokens(into: &sink)
    if let number = agreements["split.no"], let count = agreements["split.count"], number.value >= count.value {
      note(
        "gguf.split", number.range, field: "split.no", detail: "part \(number.value) of \(count.value), from 0",
        into: &sink)
    }
  }
}
