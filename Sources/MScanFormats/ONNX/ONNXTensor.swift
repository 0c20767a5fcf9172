import MScanBytes
import MScanFacts

/// What a `TensorProto` says of itself, gathered while it is walked.
struct ONNXTensor {
  /// Extents that a `tensor` fact keeps.
  private static let dimensions = 64
  private static let textLimit = 4096

  private var range: ByteRange
  private var name = ""
  private var type = 0
  private var shape: [Int] = []
  /// Product of the dimensions; nil when it does not fit or one is negative.
  private var elements: Int? = 1
  private var raw: ByteRange?
  /// Bytes in `float_data` and `double_data`.
  private var typedBytes = 0
  /// Elements are there that take any number of bytes each.
  private var hasOther = false
  private var isExternal = false
  private var entries: [(key: String, value: String, range: ByteRange)] = []

  init(_ range: ByteRange) { self.range = range }

  mutating func take(_ role: ONNXRole, _ field: ProtobufField, _ reader: inout ProtobufReader, _ limits: Limits) {
    switch role {
    case .dimension:
      let extent = Int(truncatingIfNeeded: field.value)
      if shape.count < Self.dimensions { shape.append(extent) }
      let (product, overflow) = (elements ?? 0).multipliedReportingOverflow(by: extent)
      elements = elements == nil || overflow || extent < 0 ? nil : product
    case .dataType: type = Int(truncatingIfNeeded: field.value)
    case .tensorName: name = reader.text(field.payload, limit: limits.argumentCharacters)
    case .rawData: raw = field.payload
    case .fourByteData: typedBytes &+= field.wire == .length ? field.payload.count : 4
    case .eightByteData: typedBytes &+= field.wire == .length ? field.payload.count : 8
    case .numberData, .textData: hasOther = true
    case .dataLocation: isExternal = field.value == 1
    default: break
    }
  }

  /// A key of `external_data`. More than sixteen say nothing new.
  mutating func take(key: String, value: String, _ range: ByteRange) {
    if entries.count < 16 { entries.append((key, value, range)) }
  }

  static func text(_ range: ByteRange, _ reader: inout ProtobufReader) -> String {
    reader.text(range, limit: textLimit)
  }

  /// States the tensor. One inside an attribute is held to the same rules and is not named.
  func finish(isNamed: Bool, _ input: ArtifactInput, into sink: inout FactBuffer) {
    var bytes = raw ?? ByteRange(at: range.end, count: 0)
    let needed = elements.flatMap { ONNXType.bytes($0, type: type) }
    if isExternal || !entries.isEmpty {
      bytes = external(needed, input, into: &sink)
    } else if let raw {
      if type != ONNXType.text, needed != raw.count { mismatch(raw.count, input, into: &sink) }
    } else if typedBytes > 0 || !hasOther, let needed, type != ONNXType.text {
      // The definition keeps the two halves of a complex number as two floats; halves are in `int32_data`.
      if typedBytes != needed, typedBytes > 0 {
        mismatch(typedBytes, input, into: &sink)
      } else if typedBytes == 0, needed > 0 {
        note("onnx.no-data", "raw_data", "no bytes where \(needed) should be", input, into: &sink)
      }
    }
    guard isNamed else { return }
    sink.emit(
      .tensor(TensorFact(name: name, dtype: ONNXType.name(type), shape: shape, bytes: bytes)), artifact: input.index,
      range: range, place: .tensor(name))
  }

  private func mismatch(_ count: Int, _ input: ArtifactInput, into sink: inout FactBuffer) {
    note("onnx.shape-mismatch", "dims", "\(shape) of \(ONNXType.name(type)) in \(count) bytes", input, into: &sink)
  }

  /// Data in another file: where, and which bytes of it.
  private func external(_ needed: Int?, _ input: ArtifactInput, into sink: inout FactBuffer) -> ByteRange {
    var seen: Set<String> = []
    var numbers: [String: Int] = [:]
    for entry in entries {
      if !seen.insert(entry.key).inserted {
        note("onnx.external-data-key", "external_data", "\(entry.key) stands twice", input, into: &sink)
      }
      switch entry.key {
      case "location", "basepath":
        let field = entry.key == "location" ? "onnx.external-data" : "onnx.external-data-folder"
        sink.emit(
          .reference(ReferenceFact(field: field, type: .path, target: entry.value)), artifact: input.index,
          range: entry.range, place: .tensor(name))
      case "offset", "length":
        if let number = Int(entry.value), number >= 0 {
          numbers[entry.key] = number
        } else {
          note(
            "onnx.external-data-range", entry.key, "\(entry.key) is \(entry.value.prefix(64))", input, into: &sink)
        }
      case "checksum": break
      case let key where key.hasPrefix("prepacked_"): break
      default:
        note(
          "onnx.external-data-key", "external_data",
          "\(entry.key.prefix(input.limits.argumentCharacters)) is no key of the definition", input, into: &sink)
      }
    }
    if !seen.contains("location") {
      note(
        "onnx.external-data-key", "external_data", "the data is elsewhere, and no location says where", input,
        into: &sink)
    }
    if let length = numbers["length"], let needed, length != needed { mismatch(length, input, into: &sink) }
    return ByteRange(at: numbers["offset"] ?? 0, count: numbers["length"] ?? needed ?? 0)
  }

  private func note(
    _ subject: String, _ field: String, _ detail: String, _ input: ArtifactInput, into sink: inout FactBuffer
  ) {
    let prefix = name.isEmpty ? "" : "\(name): "
    sink.emit(
      .anomaly(AnomalyFact(subject: subject, field: field, detail: prefix + detail)), artifact: input.index,
      range: range, place: .tensor(name))
  }
}

/// `TensorProto.DataType`.
enum ONNXType {
  static let text = 8

  /// By number from 0, with the bits of one element; 0 for what has no fixed size.
  private static let types: [(name: String, bits: Int)] = [
    ("UNDEFINED", 0), ("FLOAT", 32), ("UINT8", 8), ("INT8", 8), ("UINT16", 16), ("INT16", 16), ("INT32", 32),
    ("INT64", 64), ("STRING", 0), ("BOOL", 8), ("FLOAT16", 16), ("DOUBLE", 64), ("UINT32", 32), ("UINT64", 64),
    ("COMPLEX64", 64), ("COMPLEX128", 128), ("BFLOAT16", 16), ("FLOAT8E4M3FN", 8), ("FLOAT8E4M3FNUZ", 8),
    ("FLOAT8E5M2", 8), ("FLOAT8E5M2FNUZ", 8), ("UINT4", 4), ("INT4", 4), ("FLOAT4E2M1", 4), ("FLOAT8E8M0", 8),
    ("UINT2", 2), ("INT2", 2),
  ]

  static func name(_ number: Int) -> String { types.indices.contains(number) ? types[number].name : "\(number)" }

  /// Bytes of so many elements; nil for a type without a size, or when they do not fit.
  static func bytes(_ elements: Int, type: Int) -> Int? {
    guard types.indices.contains(type), types[type].bits > 0 else { return nil }
    let (bits, overflow) = elements.multipliedReportingOverflow(by: types[type].bits)
    guard !overflow else { return nil }
    return bits / 8 &+ (bits % 8 == 0 ? 0 : 1)
  }
}
