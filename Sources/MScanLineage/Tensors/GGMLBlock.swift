/// Blocks of ggml's quantised types, decoded. Layouts: `ggml-common.h` and `dequantize_row_*` of `ggml-quants.c`, 2026.
struct GGMLBlock: Sendable {
  let type: StoredType
  /// Elements of a block, and its bytes.
  let elements: Int
  let bytes: Int

  init?(_ name: String) {
    switch name {
    case "Q4_0": self.init(.q40, 32, 18)
    case "Q4_1": self.init(.q41, 32, 20)
    case "Q5_0": self.init(.q50, 32, 22)
    case "Q5_1": self.init(.q51, 32, 24)
    case "Q8_0": self.init(.q80, 32, 34)
    case "Q2_K": self.init(.q2K, 256, 84)
    case "Q3_K": self.init(.q3K, 256, 110)
    case "Q4_K": self.init(.q4K, 256, 144)
    case "Q5_K": self.init(.q5K, 256, 176)
    case "Q6_K": self.init(.q6K, 256, 210)
    case "IQ4_NL": self.init(.iq4NL, 32, 18)
    case "IQ4_XS": self.init(.iq4XS, 256, 136)
    case "MXFP4": self.init(.mxfp4, 32, 17)
    default: return nil
    }
  }

  private init(_ type: StoredType, _ elements: Int, _ bytes: Int) {
    self.type = type
    self.elements = elements
    self.bytes = bytes
  }

  /// Decodes one block.
  ///
  /// - Parameter block: exactly ``bytes`` bytes; anything else gives NaN.
  /// - Returns: ``elements`` values.
  func decode(_ block: [UInt8]) -> [Float] {
    guard block.count == bytes else { return [Float](repeating: .nan, count: elements) }
    let values = Values(block: block)
    switch type {
    case .q40: return values.nibbles(from: 2, scale: values.half(0), offset: -8 * values.half(0))
    case .q41: return values.nibbles(from: 4, scale: values.half(0), offset: values.half(2))
    case .q50: return values.fiveBits(from: 2, scale: values.half(0), offset: -16 * values.half(0))
    case .q51: return values.fiveBits(from: 4, scale: values.half(0), offset: values.half(2))
    case .q80: return (0..<32).map { values.half(0) * values.signed(2 + $0) }
    case .q2K: return values.q2K()
    case .q3K: return values.q3K()
    case .q4K, .q5K: return values.q45K(isFive: type == .q5K)
    case .q6K: return values.q6K()
    case .iq4NL: return values.codes(from: 2, scale: values.half(0))
    case .iq4XS: return values.iq4XS()
    case .mxfp4: return values.mxfp4()
    default: return [Float](repeating: .nan, count: elements)
    }
  }

  /// The bytes of one block, whose length was checked.
  private struct Values {
    let block: [UInt8]

    private static let iq4: [Float] = [
      -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]
    private static let fp4: [Float] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]

    func half(_ at: Int) -> Float { ElementType.float16.value(block, at: at) }
    func signed(_ at: Int) -> Float { Float(Int8(bitPattern: block[at])) }

    /// 32 values of four bits: the low halves of sixteen bytes, then the high ones.
    func nibbles(from start: Int, scale: Float, offset: Float) -> [Float] {
      (0..<32).map { index in
        let byte = block[start + index % 16]
        return scale * Float(index < 16 ? byte & 15 : byte >> 4) + offset
      }
    }

    func fiveBits(from start: Int, scale: Float, offset: Float) -> [Float] {
      (0..<32).map { index in
        let byte = block[start + 4 + index % 16]
        let high = (block[start + index / 8] >> UInt8(index % 8)) & 1
        return scale * Float((index < 16 ? byte & 15 : byte >> 4) | (high << 4)) + offset
      }
    }

    func codes(from start: Int, scale: Float) -> [Float] {
      (0..<32).map { index in
        let byte = block[start + index % 16]
        return scale * Self.iq4[Int(index < 16 ? byte & 15 : byte >> 4)]
      }
    }

    func iq4XS() -> [Float] {
      let high = UInt16(block[2]) | UInt16(block[3]) << 8
      var out: [Float] = []
      for part in 0..<8 {
        let low = (block[4 + part / 2] >> UInt8(4 * (part % 2))) & 15
        let scale = Int(low) | Int((high >> UInt16(2 * part)) & 3) << 4
        out += codes(from: 8 + 16 * part, scale: half(0) * Float(scale - 32))
      }
      return out
    }

    func mxfp4() -> [Float] {
      let scale = Float(sign: .plus, exponent: Int(block[0]) - 128, significand: 1)
      return (0..<32).map { index in
        let byte = block[1 + index % 16]
        return scale * Self.fp4[Int(index < 16 ? byte & 15 : byte >> 4)]
      }
    }

    /// Scale and minimum of the eight parts of a Q4_K or Q5_K block: six bits each in twelve bytes.
    private func scaleAndMinimum(_ part: Int) -> (Float, Float) {
      if part < 4 { return (Float(block[4 + part] & 63), Float(block[8 + part] & 63)) }
      let low = block[8 + part]
      return (Float((low & 15) | (block[part] >> 6) << 4), Float((low >> 4) | (block[4 + part] >> 6) << 4))
    }

    func q45K(isFive: Bool) -> [Float] {
      let (d, minimum) = (half(0), half(2))
      var out: [Float] = []
      for part in 0..<8 {
        let (scale, low) = scaleAndMinimum(part)
        let start = (isFive ? 48 : 16) + 32 * (part / 2)
        for index in 0..<32 {
          let byte = block[start + index]
          var code = part % 2 == 0 ? byte & 15 : byte >> 4
          if isFive { code |= ((block[16 + index] >> UInt8(part)) & 1) << 4 }
          out.append(d * scale * Float(code) - minimum * low)
        }
      }
      return out
    }

    func q6K() -> [Float] {
      let d = half(208)
      return (0..<256).map { index in
        let (side, quarter, at) = (index / 128, index / 32 % 4, index % 32)
        let low = block[64 * side + 32 * (quarter % 2) + at]
        let high = (block[128 + 32 * side + at] >> UInt8(2 * quarter)) & 3
        let code = (quarter < 2 ? low & 15 : low >> 4) | (high << 4)
        return d * signed(192 + index / 16) * (Float(code) - 32)
      }
    }

    func q2K() -> [Float] {
      let (d, minimum) = (half(80), half(82))
      return (0..<256).map { index in
        let code = (block[16 + 32 * (index / 128) + index % 32] >> UInt8(2 * (index / 32 % 4))) & 3
        let scale = block[index / 16]
        return d * Float(scale & 15) * Float(code) - minimum * Float(scale >> 4)
      }
    }

    func q3K() -> [Float] {
      let d = half(108)
      return (0..<256).map { index in
        let (step, at) = (index / 32, index % 32)
        let code = Float((block[32 + 32 * (index / 128) + at] >> UInt8(2 * (step % 4))) & 3)
        let isHigh = (block[at] >> UInt8(step)) & 1 == 1
        let part = index / 16
        let low = part < 8 ? block[96 + part] & 15 : block[96 + part - 8] >> 4
        let high = (block[104 + part % 4] >> UInt8(2 * (part / 4))) & 3
        return d * (Float(low | (high << 4)) - 32) * (code - (isHigh ? 0 : 4))
      }
    }
  }
}
