/// Element types of ggml tensors: how many elements one block holds, in how many bytes. Source: `ggml.h` and
/// `ggml-common.h` of llama.cpp, 2026; the numbers of removed types stay taken.
struct GGMLType {
  let name: String
  /// Elements of a block.
  let elements: Int
  /// Bytes of a block.
  let bytes: Int
  /// Current readers refuse it.
  var isRemoved = false

  /// The type with a number, nil when nothing is known of it.
  static func numbered(_ number: UInt32) -> GGMLType? {
    guard let index = Int(exactly: number), table.indices.contains(index) else { return nil }
    return table[index]
  }

  /// Bytes of a tensor of `count` elements whose rows have `row`; nil when a row is no whole number of blocks or the
  /// product passes 63 bits.
  func size(count: Int, row: Int) -> Int? {
    guard elements > 0, row % elements == 0 else { return nil }
    let (size, over) = (count / elements).multipliedReportingOverflow(by: bytes)
    return over ? nil : size
  }

  private static func plain(_ name: String, _ bytes: Int) -> GGMLType {
    GGMLType(name: name, elements: 1, bytes: bytes)
  }

  private static func removed(_ name: String, _ elements: Int, _ bytes: Int) -> GGMLType {
    GGMLType(name: name, elements: elements, bytes: bytes, isRemoved: true)
  }

  /// By number.
  private static let table: [GGMLType] = [
    plain("F32", 4), plain("F16", 2),
    GGMLType(name: "Q4_0", elements: 32, bytes: 18), GGMLType(name: "Q4_1", elements: 32, bytes: 20),
    removed("Q4_2", 16, 10), removed("Q4_3", 16, 12),
    GGMLType(name: "Q5_0", elements: 32, bytes: 22), GGMLType(name: "Q5_1", elements: 32, bytes: 24),
    GGMLType(name: "Q8_0", elements: 32, bytes: 34), GGMLType(name: "Q8_1", elements: 32, bytes: 36),
    GGMLType(name: "Q2_K", elements: 256, bytes: 84), GGMLType(name: "Q3_K", elements: 256, bytes: 110),
    GGMLType(name: "Q4_K", elements: 256, bytes: 144), GGMLType(name: "Q5_K", elements: 256, bytes: 176),
    GGMLType(name: "Q6_K", elements: 256, bytes: 210), GGMLType(name: "Q8_K", elements: 256, bytes: 292),
    GGMLType(name: "IQ2_XXS", elements: 256, bytes: 66), GGMLType(name: "IQ2_XS", elements: 256, bytes: 74),
    GGMLType(name: "IQ3_XXS", elements: 256, bytes: 98), GGMLType(name: "IQ1_S", elements: 256, bytes: 50),
    GGMLType(name: "IQ4_NL", elements: 32, bytes: 18), GGMLType(name: "IQ3_S", elements: 256, bytes: 110),
    GGMLType(name: "IQ2_S", elements: 256, bytes: 82), GGMLType(name: "IQ4_XS", elements: 256, bytes: 136),
    plain("I8", 1), plain("I16", 2), plain("I32", 4), plain("I64", 8), plain("F64", 8),
    GGMLType(name: "IQ1_M", elements: 256, bytes: 56), plain("BF16", 2),
    removed("Q4_0_4_4", 32, 18), removed("Q4_0_4_8", 32, 18), removed("Q4_0_8_8", 32, 18),
    GGMLType(name: "TQ1_0", elements: 256, bytes: 54), GGMLType(name: "TQ2_0", elements: 256, bytes: 66),
    removed("IQ4_NL_4_4", 32, 18), removed("IQ4_NL_4_8", 32, 18), removed("IQ4_NL_8_8", 32, 18),
    GGMLType(name: "MXFP4", elements: 32, bytes: 17), GGMLType(name: "NVFP4", elements: 64, bytes: 36),
    GGMLType(name: "Q1_0", elements: 128, bytes: 18), GGMLType(name: "Q2_0", elements: 64, bytes: 18),
  ]
}
