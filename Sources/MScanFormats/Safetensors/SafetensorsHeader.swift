import MScanBytes
import MScanFacts

/// The header of a safetensors file, from a document's events: tensors, metadata, and what breaks the format's rules.
struct SafetensorsHeader: JSONVisitor {
  struct Tensor {
    var name: String
    var key: Range<Int>
    var dtype: String?
    var shape: [Int]?
    var offsets: [Int]?
    /// Of the tensor's object in the header.
    var end = 0
  }

  struct Problem {
    var subject: String
    var detail: String
    var range: Range<Int>
  }

  let bytes: [UInt8]
  private(set) var tensors: [Tensor] = []
  private(set) var metadata: [(key: String, value: String, range: Range<Int>)] = []
  private(set) var problems: [Problem] = []
  private(set) var isObject = false

  private var depth = 0
  private var top = ""
  private var field = ""
  private var topKeys: [String: Int] = [:]
  private var fieldKeys: Set<String> = []
  private var numbers: [Int]?
  private var arrayIsOdd = false
  private var isMetadata: Bool { top == "__metadata__" }

  /// Known element types and their size in bits, by the reference implementation's names.
  static let bits: [String: Int] = [
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
  ]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private mutating func problem(_ subject: String, _ detail: String, _ range: Range<Int>) {
    guard problems.count < 4096 else { return }
    problems.append(Problem(subject: "safetensors." + subject, detail: detail, range: range))
  }

  mutating func beginContainer(isObject: Bool, at offset: Int) {
    depth &+= 1
    switch depth {
    case 1: self.isObject = isObject
    case 2:
      fieldKeys.removeAll(keepingCapacity: true)
      if !isObject { problem(isMetadata ? "metadata-type" : "invalid-header", "\(top) is a list", offset..<offset) }
    case 3:
      if isMetadata || isObject || !["shape", "data_offsets"].contains(field) {
        problem(isMetadata ? "metadata-type" : "invalid-header", "\(top).\(field) is not plain", offset..<offset)
      }
      numbers = []
      arrayIsOdd = isObject
    default: arrayIsOdd = true
    }
  }

  mutating func endContainer(isObject: Bool, at end: Int) {
    defer { depth &-= 1 }
    if depth == 3, !isMetadata, let last = tensors.indices.last {
      if arrayIsOdd { problem("invalid-header", "\(top).\(field) is not a list of numbers", end..<end) }
      if field == "shape" { tensors[last].shape = arrayIsOdd ? nil : numbers }
      if field == "data_offsets" { tensors[last].offsets = arrayIsOdd ? nil : numbers }
      numbers = nil
    }
    if depth == 2, !isMetadata, let last = tensors.indices.last { tensors[last].end = end }
  }

  mutating func key(_ range: Range<Int>, isEscaped: Bool) {
    let text = JSONScanner.text(bytes[range], isEscaped: isEscaped)
    switch depth {
    case 1:
      top = text
      if topKeys.updateValue(1, forKey: text) != nil { problem("duplicate-key", text, range) }
      if isEscaped { problem("escaped-name", text, range) }
      if !isMetadata { tensors.append(Tensor(name: text, key: range)) }
    case 2:
      field = text
      if !fieldKeys.insert(text).inserted { problem("duplicate-key", "\(top).\(text)", range) }
      if !isMetadata, !["dtype", "shape", "data_offsets"].contains(text) {
        problem("unknown-field", "\(top).\(text)", range)
      }
    default: break
    }
  }

  mutating func string(_ range: Range<Int>, isEscaped: Bool) {
    let text = JSONScanner.text(bytes[range], isEscaped: isEscaped)
    if depth == 2, isMetadata {
      metadata.append((field, text, range))
    } else if depth == 2, field == "dtype", let last = tensors.indices.last {
      tensors[last].dtype = text
    } else {
      misplaced(range)
    }
  }

  mutating func number(_ range: Range<Int>) {
    if depth == 3, numbers != nil {
      let text = String(decoding: bytes[range], as: UTF8.self)
      if let value = Int(text), value >= 0 {
        numbers?.append(value)
      } else {
        arrayIsOdd = true
      }
    } else {
      misplaced(range)
    }
  }

  mutating func literal(_ range: Range<Int>) { misplaced(range) }

  private mutating func misplaced(_ range: Range<Int>) {
    if depth == 3 { arrayIsOdd = true }
    let what = depth <= 1 ? top : "\(top).\(field)"
    problem(isMetadata ? "metadata-type" : "invalid-header", "\(what) has a value of the wrong type", range)
  }
}
