/// Element types that are read one by one.
enum ElementType: Sendable {
  case float64, float32, float16, bfloat16, float8e4m3, float8e5m2
  case int8, uint8, int16, int32, uint32, int64

  /// By any container's name for it.
  init?(_ name: String) {
    var plain = name.lowercased()[...]
    while let first = plain.first, "<>=|".contains(first) { plain = plain.dropFirst() }
    if plain.hasPrefix("dt_") { plain = plain.dropFirst(3) }
    if plain.hasPrefix("torch.") { plain = plain.dropFirst(6) }
    switch plain {
    case "f32", "float", "float32", "f4", "floatstorage": self = .float32
    case "f16", "float16", "half", "f2", "halfstorage": self = .float16
    case "bf16", "bfloat16", "bfloat16storage": self = .bfloat16
    case "f64", "double", "float64", "f8", "doublestorage": self = .float64
    case "f8_e4m3", "float8e4m3fn", "float8_e4m3fn", "float8_e4m3fnstorage": self = .float8e4m3
    case "f8_e5m2", "float8e5m2", "float8_e5m2", "float8_e5m2storage": self = .float8e5m2
    case "i8", "int8", "i1", "charstorage": self = .int8
    case "u8", "uint8", "u1", "bytestorage": self = .uint8
    case "i16", "int16", "i2", "shortstorage": self = .int16
    case "i32", "int32", "i4", "intstorage": self = .int32
    case "u32", "uint32", "u4": self = .uint32
    case "i64", "int64", "longstorage": self = .int64
    default: return nil
    }
  }

  /// Bytes of one.
  var width: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16: 2
    case .float8e4m3, .float8e5m2, .int8, .uint8: 1
    }
  }

  /// What the values count as when two tensors are compared.
  var stored: StoredType {
    switch self {
    case .float64, .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float8e4m3, .float8e5m2: .fp8
    case .int8, .uint8: .int8
    case .int16, .int32, .uint32, .int64: .integer
    }
  }

  /// Decodes little-endian elements, as many whole ones as there are.
  func decode(_ bytes: [UInt8], into out: inout [Float]) {
    let count = bytes.count / width
    out.reserveCapacity(out.count + count)
    for index in 0..<count { out.append(value(bytes, at: index &* width)) }
  }

  /// The element at a byte; 0 outside.
  func value(_ bytes: [UInt8], at offset: Int) -> Float {
    guard offset >= 0, offset <= bytes.count &- width else { return 0 }
    func word(_ count: Int) -> UInt64 {
      var value: UInt64 = 0
      for step in 0..<count { value |= UInt64(bytes[offset &+ step]) &<< UInt64(8 &* step) }
      return value
    }
    switch self {
    case .float64: return Float(Double(bitPattern: word(8)))
    case .float32: return Float(bitPattern: UInt32(truncatingIfNeeded: word(4)))
    case .float16: return Float(Float16(bitPattern: UInt16(truncatingIfNeeded: word(2))))
    case .bfloat16: return Float(bitPattern: UInt32(truncatingIfNeeded: word(2)) &<< 16)
    case .float8e4m3: return Self.float8(bytes[offset], exponentBits: 4, bias: 7)
    case .float8e5m2: return Self.float8(bytes[offset], exponentBits: 5, bias: 15)
    case .int8: return Float(Int8(bitPattern: bytes[offset]))
    case .uint8: return Float(bytes[offset])
    case .int16: return Float(Int16(truncatingIfNeeded: word(2)))
    case .int32: return Float(Int32(truncatingIfNeeded: word(4)))
    case .uint32: return Float(UInt32(truncatingIfNeeded: word(4)))
    case .int64: return Float(Int64(bitPattern: word(8)))
    }
  }

  /// E4M3 without infinities, or E5M2.
  private static func float8(_ byte: UInt8, exponentBits: Int, bias: Int) -> Float {
    let mantissaBits = 7 - exponentBits
    let exponent = Int(byte & 0x7f) >> mantissaBits
    let mantissa = Int(byte) & ((1 << mantissaBits) - 1)
    if exponentBits == 4, byte & 0x7f == 0x7f { return .nan }
    if exponentBits == 5, exponent == 31 { return mantissa == 0 ? (byte > 0x7f ? -.infinity : .infinity) : .nan }
    let scale = Float(1 << mantissaBits)
    let magnitude =
      exponent == 0
      ? Float(sign: .plus, exponent: 1 - bias, significand: Float(mantissa) / scale)
      : Float(sign: .plus, exponent: exponent - bias, significand: 1 + Float(mantissa) / scale)
    return byte & 0x80 == 0 ? magnitude : -magnitude
  }
}

/// What the values of a tensor are kept as: a float type, or the grid of a quantisation. The raw values are in registry
/// files and never change.
public enum StoredType: UInt8, Sendable, Hashable {
  case float32 = 0
  case float16 = 1
  case bfloat16 = 2
  case q40 = 16
  case q41 = 17
  case q50 = 18
  case q51 = 19
  case q80 = 20
  case q2K = 21
  case q3K = 22
  case q4K = 23
  case q5K = 24
  case q6K = 25
  case iq4NL = 26
  case iq4XS = 27
  case mxfp4 = 28
  case gptq2 = 48
  case gptq3 = 49
  case gptq4 = 50
  case gptq8 = 51
  case awq4 = 52
  case nf4 = 53
  case fp4 = 54
  case fp8 = 55
  case int8 = 56
  case mlx4 = 57
  case mlx8 = 58
  case integer = 80

  /// Significant bits of a float; nil for the grids.
  var mantissa: Int? {
    switch self {
    case .float32: 24
    case .float16: 11
    case .bfloat16: 8
    default: nil
    }
  }

  public var isQuantized: Bool { mantissa == nil }

  /// As people write it.
  public var label: String {
    switch self {
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .q40: "Q4_0"
    case .q41: "Q4_1"
    case .q50: "Q5_0"
    case .q51: "Q5_1"
    case .q80: "Q8_0"
    case .q2K: "Q2_K"
    case .q3K: "Q3_K"
    case .q4K: "Q4_K"
    case .q5K: "Q5_K"
    case .q6K: "Q6_K"
    case .iq4NL: "IQ4_NL"
    case .iq4XS: "IQ4_XS"
    case .mxfp4: "MXFP4"
    case .gptq2: "gptq2"
    case .gptq3: "gptq3"
    case .gptq4: "gptq4"
    case .gptq8: "gptq8"
    case .awq4: "awq4"
    case .nf4: "nf4"
    case .fp4: "fp4"
    case .fp8: "fp8"
    case .int8: "int8"
    case .mlx4: "mlx4"
    case .mlx8: "mlx8"
    case .integer: "integer"
    }
  }

  /// Bits a weight, near enough to choose how much of an advisory reaches a descendant.
  public var bits: Int {
    switch self {
    case .float32: 32
    case .float16, .bfloat16: 16
    case .q80, .gptq8, .fp8, .int8, .mlx8, .integer: 8
    case .q6K: 6
    case .q50, .q51, .q5K: 5
    case .q3K, .gptq3: 3
    case .q2K, .gptq2: 2
    default: 4
    }
  }

  /// The grid's points are no even steps.
  var hasCodebook: Bool {
    switch self {
    case .nf4, .fp4, .iq4NL, .iq4XS, .fp8, .mxfp4: true
    default: false
    }
  }

  /// Neighbours that share one scale, as far as the grid test needs it.
  var run: Int {
    switch self {
    case .q6K, .q3K, .q2K: 16
    default: 32
    }
  }

  /// Relative RMS error that the grid alone makes, measured on normal data; for runs too uniform to measure it on.
  var typicalError: Double {
    switch self {
    case .q80: 0.0053
    case .q6K: 0.0177
    case .q5K: 0.0358
    case .q50: 0.0423
    case .q51: 0.0374
    case .q4K: 0.0711
    case .q40: 0.0853
    case .q41: 0.0782
    case .iq4NL: 0.0762
    case .iq4XS: 0.0768
    case .q3K: 0.150
    case .q2K: 0.296
    case .gptq4, .awq4, .mlx4: 0.11
    case .nf4: 0.095
    case .fp8: 0.03
    case .int8: 0.01
    default: 0.1
    }
  }
}
