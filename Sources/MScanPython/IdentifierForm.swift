/// Identifiers as Python compares them: Unicode's normalisation form KC, in which `ｏｓ` is `os`.
///
/// The standard library normalises to no compatibility form, so the mappings are data of our own; combining classes are
/// the library's. Source: Unicode Standard Annex 15.
enum IdentifierForm {
  private static let decompositions = readDecompositions()
  private static let compositions = readCompositions()

  static func normalized(_ name: String) -> String {
    var scalars: [UInt32] = []
    for scalar in name.unicodeScalars { decompose(scalar.value, into: &scalars) }
    order(&scalars)
    var text = String.UnicodeScalarView()
    for value in compose(scalars) { if let scalar = Unicode.Scalar(value) { text.append(scalar) } }
    return String(text)
  }

  // MARK: - Steps of the algorithm

  private static func decompose(_ value: UInt32, into scalars: inout [UInt32]) {
    if value < 0x80 { return scalars.append(value) }
    if (hangulBase..<hangulBase + 11172).contains(value) {
      let index = value - hangulBase
      scalars.append(leadBase + index / 588)
      scalars.append(vowelBase + index % 588 / 28)
      if index % 28 != 0 { scalars.append(tailBase + index % 28) }
      return
    }
    guard let mapped = decompositions[value] else { return scalars.append(value) }
    scalars.append(contentsOf: mapped)
  }

  /// Marks in ascending order of their classes, stable within each. An identifier of nothing but marks costs what
  /// sorting them does.
  private static func order(_ scalars: inout [UInt32]) {
    var at = 0
    while at < scalars.count {
      guard combiningClass(scalars[at]) != 0 else {
        at += 1
        continue
      }
      let start = at
      while at < scalars.count, combiningClass(scalars[at]) != 0 { at += 1 }
      guard at - start > 1 else { continue }
      let sorted = scalars[start..<at].enumerated().sorted {
        (combiningClass($0.element), $0.offset) < (combiningClass($1.element), $1.offset)
      }
      scalars.replaceSubrange(start..<at, with: sorted.map(\.element))
    }
  }

  private static func compose(_ scalars: [UInt32]) -> [UInt32] {
    var composed: [UInt32] = []
    var starter: Int?
    var lastClass: UInt8 = 0
    for scalar in scalars {
      let own = combiningClass(scalar)
      if let at = starter {
        let isAdjacent = at == composed.count - 1
        if isAdjacent || (lastClass != 0 && lastClass < own), let pair = composite(composed[at], scalar) {
          composed[at] = pair
          continue
        }
      }
      if own == 0 { starter = composed.count }
      lastClass = own
      composed.append(scalar)
    }
    return composed
  }

  private static func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (leadBase..<leadBase + 19).contains(first), (vowelBase..<vowelBase + 21).contains(second) {
      return hangulBase + ((first - leadBase) * 21 + second - vowelBase) * 28
    }
    if (hangulBase..<hangulBase + 11172).contains(first), (first - hangulBase) % 28 == 0,
      (tailBase + 1..<tailBase + 28).contains(second)
    {
      return first + second - tailBase
    }
    return compositions[UInt64(first) << 32 | UInt64(second)]
  }

  private static func combiningClass(_ value: UInt32) -> UInt8 {
    guard value >= 0x300, let scalar = Unicode.Scalar(value) else { return 0 }
    return scalar.properties.canonicalCombiningClass.rawValue
  }

  private static let hangulBase: UInt32 = 0xac00
  private static let leadBase: UInt32 = 0x1100
  private static let vowelBase: UInt32 = 0x1161
  private static let tailBase: UInt32 = 0x11a7

  // MARK: - Data

  private static func readDecompositions() -> [UInt32: [UInt32]] {
    var table: [UInt32: [UInt32]] = [:]
    var previous: UInt32 = 0
    for entry in NormalizationData.decompositions.description.split(separator: " ") {
      let sides = entry.split(separator: "=")
      guard sides.count == 2 else { continue }
      let key = sides[0].split(separator: "+").map(number)
      let mapped = sides[1].split(separator: ",").map(number)
      guard let step = key.first else { continue }
      previous &+= step
      let more = key.count > 1 ? key[1] : 0
      for index in 0...more { table[previous &+ index] = more == 0 ? mapped : mapped.map { $0 &+ index } }
    }
    return table
  }

  private static func readCompositions() -> [UInt64: UInt32] {
    var table: [UInt64: UInt32] = [:]
    for entry in NormalizationData.compositions.description.split(separator: " ") {
      let sides = entry.split(separator: "=")
      guard sides.count == 2 else { continue }
      let pair = sides[0].split(separator: ",").map(number)
      guard pair.count == 2 else { continue }
      table[UInt64(pair[0]) << 32 | UInt64(pair[1])] = number(sides[1])
    }
    return table
  }

  private static func number(_ digits: Substring) -> UInt32 { UInt32(digits, radix: 16) ?? 0 }
}
