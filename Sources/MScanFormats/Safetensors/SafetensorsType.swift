/// Element types of safetensors, by the bits one takes. Source: `Dtype` of the reference implementation, 0.6.
enum SafetensorsType {
  static func bits(_ name: String) -> Int? {
    switch name {
    case "F4": 4
    case "F6_E2M3", "F6_E3M2": 6
    case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ": 8
    case "I16", "U16", "F16", "BF16": 16
    case "I32", "U32", "F32": 32
    case "I64", "U64", "F64", "C64": 64
    default: nil
    }
  }

  /// Bytes of a tensor, rows multiplied in the order they stand in, as the reference does it; nil when the product
  /// passes 63 bits or is no whole number of bytes.
  static func bytes(_ shape: [Int], bits: Int) -> Int? {
    var elements = 1
    for extent in shape {
      let (product, over) = elements.multipliedReportingOverflow(by: extent)
      guard !over else { return nil }
      elements = product
    }
    let (total, over) = elements.multipliedReportingOverflow(by: bits)
    guard !over, total % 8 == 0 else { return nil }
    return total / 8
  }
}
