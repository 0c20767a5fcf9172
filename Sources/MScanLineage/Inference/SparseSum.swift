/// A model whose single weights are a base's plus some of the changes of two others, each taken or dropped by itself and
/// scaled alike: what DARE and its kin leave when they keep most of the changes.
///
/// For one scale, every weight has to be one of five values. How many are is held against how many would be with the
/// changes of the neighbouring weights, which tells what chance and rounding alone allow.
struct SparseSum: Sendable {
  /// Common scale of the changes.
  var scale: Double
  /// Share of weights that are one of the five values, and the share that chance makes so.
  var explained: Double
  var byChance: Double

  /// Weights that are looked at. Count; 4,096.
  private static let sampleLimit = 4096
  private static let scales: [Double] = (20...160).map { Double($0) / 80 }

  private struct Sample {
    /// The suspect's distance from the base, and those of the two others, in units of rounding.
    var moved: [Double] = []
    var first: [Double] = []
    var second: [Double] = []
  }

  var isConvincing: Bool { explained > 0.75 && explained > 2 * byChance }

  /// Nil with fewer than 256 weights that both others have moved.
  init?(root: String, _ a: String, _ b: String, suspect: Sketch, bases: [String: Sketch], maps: [String: [Int]]) {
    guard let sample = Self.sample([root, a, b], suspect, bases, maps), sample.moved.count >= 256 else { return nil }
    var best = (scale: 1.0, share: -1.0)
    for scale in Self.scales {
      let share = Self.share(sample, scale, shift: 0)
      if share > best.share { best = (scale, share) }
    }
    scale = best.scale
    explained = best.share
    byChance = Self.share(sample, best.scale, shift: 1)
  }

  private static func sample(
    _ names: [String], _ suspect: Sketch, _ bases: [String: Sketch], _ maps: [String: [Int]]
  ) -> Sample? {
    var sample = Sample()
    for key in suspect.keys where key.layer >= 0 {
      guard sample.moved.count < sampleLimit, let mine = suspect.sample(key), !mine.entry.isVector,
        !mine.entry.type.isQuantized
      else { continue }
      let parents = names.compactMap { name -> ArraySlice<Float>? in
        guard let map = maps[name], let other = Comparisons.counterpart(of: key, map),
          let its = bases[name]?.sample(other), its.values.count == mine.values.count
        else { return nil }
        return its.values
      }
      guard parents.count == 3 else { continue }
      let bits = min(24, Rounding.effectiveBits(mine.values, mine.entry.type))
      for place in 0..<mine.values.count {
        let x = Double(mine.values[mine.values.startIndex + place])
        let values = parents.map { Double($0[$0.startIndex + place]) }
        guard x.isFinite, values.allSatisfy(\.isFinite) else { continue }
        let unit = Rounding.unit(of: x, bits: bits)
        let (first, second) = ((values[1] - values[0]) / unit, (values[2] - values[0]) / unit)
        // Changes below the rounding explain anything.
        guard abs(first) > 3, abs(second) > 3 else { continue }
        sample.moved.append((x - values[0]) / unit)
        sample.first.append(first)
        sample.second.append(second)
      }
    }
    return sample
  }

  private static func share(_ sample: Sample, _ scale: Double, shift: Int) -> Double {
    let count = sample.moved.count
    var hits = 0
    for index in 0..<count {
      let other = (index + shift) % count
      let (first, second) = (scale * sample.first[other], scale * sample.second[other])
      let moved = sample.moved[index]
      let near = [0, first, second, first + second, (first + second) / 2].contains { abs(moved - $0) <= 0.75 }
      if near { hits += 1 }
    }
    return Double(hits) / Double(max(1, count))
  }
}
