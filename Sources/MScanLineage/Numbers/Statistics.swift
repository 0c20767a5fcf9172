import Glibc

enum SignMath {
  /// The cosine of two normal vectors whose signs agree so much: 1 for always, 0 for half the time.
  static func cosine(agreement: Double) -> Double { sin(1.5707963267948966 * min(1, max(-1, agreement))) }
}

enum Statistics {
  /// The median of the numbers among them; nil without any.
  static func median(_ values: [Double]) -> Double? {
    let sorted = values.filter { !$0.isNaN }.sorted()
    guard !sorted.isEmpty else { return nil }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// The share of a normal distribution of this deviation that lies within half a unit of its mean.
  static func within(half deviation: Double) -> Double { erf(0.5 / (deviation * 1.4142135623730951 + 1e-9)) }

  /// Cosine over the places where both are finite; nil with fewer than sixteen.
  static func cosine(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>, centred: Bool = false) -> Double? {
    var n = 0
    var (sumA, sumB, sumAA, sumBB, sumAB) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) where x.isFinite && y.isFinite {
      let (p, q) = (Double(x), Double(y))
      n += 1
      sumA += p
      sumB += q
      sumAA += p * p
      sumBB += q * q
      sumAB += p * q
    }
    guard n >= 16 else { return nil }
    if centred {
      let count = Double(n)
      sumAB -= sumA * sumB / count
      sumAA -= sumA * sumA / count
      sumBB -= sumB * sumB / count
    }
    return sumAB / ((max(0, sumAA) * max(0, sumBB)).squareRoot() + 1e-30)
  }
}

/// Rounding of the float types.
enum Rounding {
  /// `value` as the type holds it.
  static func round(_ value: Float, to type: StoredType) -> Float {
    switch type {
    case .bfloat16:
      let bits = value.bitPattern
      return Float(bitPattern: (bits &+ (((bits &>> 16) & 1) &+ 0x7fff)) & 0xffff_0000)
    case .float16: return Float(Float16(value))
    default: return value
    }
  }

  /// The coarser of two types; a grid counts as F32.
  static func coarser(_ a: StoredType, _ b: StoredType) -> StoredType {
    let (x, y) = (a.isQuantized ? StoredType.float32 : a, b.isQuantized ? StoredType.float32 : b)
    return (x.mantissa ?? 24) <= (y.mantissa ?? 24) ? x : y
  }

  /// Whether two values are one after rounding to the coarser type. Rounding bf16 to f16 on the way loses tiny values:
  /// one unit of f16's subnormals is allowed.
  static func isEqual(_ a: Float, _ b: Float, in type: StoredType) -> Bool {
    let (x, y) = (round(a, to: type), round(b, to: type))
    return x == y || abs(x - y) <= 6e-8
  }

  /// Distance of neighbours of a value with so many significant bits.
  static func unit(of value: Double, bits: Int) -> Double {
    // 2^(e - bits) for |value| in [2^(e-1), 2^e).
    let magnitude = abs(value) + 1e-30
    return Double(sign: .plus, exponent: Int(magnitude.exponent) + 1 - bits, significand: 1)
  }

  /// Significant bits that the values really use: an F32 tensor that holds only bf16 values counts as bf16.
  static func effectiveBits(_ values: ArraySlice<Float>, _ type: StoredType) -> Int {
    guard type == .float32 else { return type.mantissa ?? 24 }
    if values.allSatisfy({ $0.bitPattern & 0xffff == 0 }) { return 8 }
    if values.allSatisfy({ $0.bitPattern & 0x1fff == 0 }) { return 11 }
    return 24
  }
}
