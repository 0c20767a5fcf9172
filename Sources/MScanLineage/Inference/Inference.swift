/// Finds which known bases a model was made from, and how. Decides in the order of how much each finding leaves open:
/// layers first, then exact values, then mixtures, grids, ranks, and last the fine-tune that anything else would be.
///
/// The bounds come from sets of models whose origin is known, none from a single file; see ``Mixture``, ``GridError`` and
/// ``RankTest`` for what each is measured in.
struct Inference {
  /// Nearest bases that are tried as parents of a mixture. Count; 6.
  private static let nearest = 6
  /// A quantised copy stays under this multiple of its grid's own error: leaves room for GPTQ's error feedback.
  private static let gridRatio = 2.2

  let suspect: Sketch
  let bases: [String: Sketch]
  /// What each base says it was made from.
  let parents: [String: [String]]
  /// What is read of the suspect only when it is asked for: the square of a matrix, and norms of its embedding's rows.
  let block: (TensorKey) -> Sketch.Block?
  let norms: () -> (rows: Int, norms: [Float])?

  private var candidates: [String: Comparisons] = [:]
  private var maps: [String: [Int]] = [:]

  init(
    suspect: Sketch, bases: [String: Sketch], parents: [String: [String]] = [:],
    block: @escaping (TensorKey) -> Sketch.Block?,
    norms: @escaping () -> (rows: Int, norms: [Float])?
  ) {
    self.suspect = suspect
    self.bases = bases
    self.parents = parents
    self.block = block
    self.norms = norms
  }

  private struct State {
    var best: Comparisons
    var base: Sketch
    var quantization: StoredType?
    /// Rows that the embedding has more than the base's.
    var addedRows: Int

    var equal: Double { best.matricesEqual }
    var vectorsEqual: Double? { best.vectorsEqual }
  }

  /// Nil when nothing known is related.
  mutating func conclude() -> Conclusion? {
    let vectors = LayerVectors(suspect)
    var relations: [String: Relation] = [:]
    for (name, base) in bases { relations[name] = Relation(vectors, LayerVectors(base)) }
    for (name, relation) in relations where relation.isRelated {
      guard let base = bases[name] else { continue }
      maps[name] = relation.map
      candidates[name] = Comparisons(name, relation, map: relation.map, suspect: suspect, base: base)
    }
    guard let nearest = ordered().first, let best = candidates[nearest], let base = bases[nearest] else {
      return withoutLayers()
    }
    let state = State(
      best: best, base: base, quantization: suspect.quantization, addedRows: addedRows(base))
    if let found = layerSources(state) ?? pruned(state) { return found }
    addFaintParents(relations)
    if state.quantization == nil, best.isIdentity, state.equal < 0.98 {
      if let found = mixture(state) ?? mosaic(state) ?? sparseSum() { return found }
    }
    if let type = state.quantization { return quantized(state, type) }
    return exact(state) ?? loraMerge(state) ?? fineTune(state)
  }

  /// Candidates, the nearest first.
  private func ordered() -> [String] {
    candidates.map { ($0.key, $0.value.order) }
      .sorted { a, b in
        a.1 == b.1 ? a.0.utf8.lexicographicallyPrecedes(b.0.utf8) : a.1.lexicographicallyPrecedes(b.1)
      }
      .map(\.0)
  }

  private func addedRows(_ base: Sketch) -> Int {
    guard let mine = suspect.entries[.embedding], let its = base.entries[.embedding] else { return 0 }
    return mine.rows - its.rows
  }

  private func matched(_ best: Comparisons) -> String {
    "\(best.map.count { $0 >= 0 }) of \(suspect.layers) layers match \(best.name)"
  }

  // MARK: Layers

  /// Layers that come from different bases, or from one base more than once.
  private func layerSources(_ state: State) -> Conclusion? {
    if state.quantization == nil, let found = passthrough(state) { return found }
    let map = state.best.map
    if state.best.isWhole, Set(map).count < map.count {
      return Conclusion(
        .merge, "self-stack", bases: [state.best.name], confidence: 0.95,
        evidence: ["layers of \(state.best.name) stand more than once: \(map.map(String.init).joined(separator: " "))"],
        layerMap: map.map { (state.best.name, $0) })
    }
    return nil
  }

  private func passthrough(_ state: State) -> Conclusion? {
    let names = candidates.keys.sorted()
    let sources = (0..<suspect.layers).map { layer -> (name: String, from: Int, distance: Double)? in
      var found: (name: String, from: Int, distance: Double)?
      for name in names {
        guard let candidate = candidates[name], let distance = candidate.layerDistance[layer] else { continue }
        if distance < found?.distance ?? 9 { found = (name, candidate.map[layer], distance) }
      }
      return found
    }
    var used: [String] = []
    for case let source? in sources where !used.contains(source.name) { used.append(source.name) }
    guard used.count > 1 else { return nil }
    let distances = sources.map { $0?.distance ?? 9 }
    let own = (0..<suspect.layers).map { state.best.layerDistance[$0] ?? 9 }
    let worse = (0..<suspect.layers).filter { own[$0] > 3 * distances[$0] + 1e-4 }
    guard !worse.isEmpty, let farthest = distances.max(), farthest < 0.2 else { return nil }
    let isExact = (Statistics.median(worse.map { distances[$0] }) ?? 9) < 1e-3
    let worst = worse.map { distances[$0] }.max() ?? 9
    let ownBest = worse.map { own[$0] }.min() ?? 0
    guard isExact || worst < 0.1 * ownBest else { return nil }
    let evidence = used.map { name in
      "\(sources.count { $0?.name == name }) of \(suspect.layers) layers are those of \(name)"
    }
    return Conclusion(
      .merge, "passthrough", bases: used, confidence: farthest < 1e-3 ? 0.95 : 0.8, evidence: evidence,
      layerMap: sources.map { ($0?.name ?? "", $0?.from ?? -1) })
  }

  private func pruned(_ state: State) -> Conclusion? {
    let (best, base) = (state.best, state.base)
    if suspect.layers < base.layers, best.isWhole, zip(best.map, best.map.dropFirst()).allSatisfy({ $0 < $1 }) {
      let kept = Set(best.map)
      let dropped = (0..<base.layers).filter { !kept.contains($0) }.map(String.init)
      return Conclusion(
        .prune, "depth", bases: [best.name], confidence: 0.95,
        evidence: [
          "\(suspect.layers) of \(base.layers) layers of \(best.name), in their order; without \(dropped.prefix(16).joined(separator: ", "))",
          "the layers kept differ by \(Figures.percent(best.distance))",
        ])
    }
    let narrowed = suspect.keys.filter { key in
      guard key.layer == 0, key.part == "weight", let mine = suspect.entries[key], let its = base.entries[key] else {
        return false
      }
      return !mine.isVector && !mine.hasShape(of: its)
    }
    let isNarrower = narrowed.allSatisfy { key in
      guard let mine = suspect.entries[key], let its = base.entries[key] else { return false }
      return mine.rows <= its.rows && mine.columns <= its.columns
    }
    if narrowed.contains(where: { ["ffn_up", "ffn_down"].contains($0.role) }), isNarrower {
      return Conclusion(
        .prune, "width", bases: [best.name], confidence: state.equal > 0.9 ? 0.9 : 0.7,
        evidence: [matched(best), "narrower than in \(best.name): \(narrowed.map(\.role).joined(separator: ", "))"])
    }
    let zeroed = Statistics.mean(best.layerMatrices.map(\.zeroed)) ?? 0
    let kept = Statistics.median(best.layerMatrices.compactMap(\.equalNonzero)) ?? 0
    if state.quantization == nil, zeroed > 0.05, kept > 0.98 {
      return Conclusion(
        .prune, "magnitude", bases: [best.name], confidence: 0.97,
        evidence: [
          "\(Figures.percent(zeroed)) of the sampled weights are zero that are not in \(best.name), the rest are equal"
        ])
    }
    return nil
  }

  // MARK: Merges

  /// A weak parent may miss the bound in some layers, or in all: same shapes and a faint resemblance are worth a try.
  private mutating func addFaintParents(_ relations: [String: Relation]) {
    let identity = Array(0..<suspect.layers)
    for (name, map) in maps where map.contains(-1) && bases[name]?.layers == suspect.layers {
      if zip(map, identity).allSatisfy({ $0 == -1 || $0 == $1 }) { maps[name] = identity }
    }
    for (name, relation) in relations where candidates[name] == nil {
      guard let base = bases[name], base.layers == suspect.layers, relation.roleCount >= 3, relation.score > 0.1 else {
        continue
      }
      maps[name] = identity
      candidates[name] = Comparisons(name, relation, map: identity, suspect: suspect, base: base)
    }
  }

  private var wholeNames: [String] {
    let order = ordered()
    return order.filter { !(maps[$0] ?? [-1]).contains(-1) }
  }

  private func mixture(_ state: State) -> Conclusion? {
    guard let alone = Mixture([state.best.name], suspect: suspect, bases: bases, maps: maps), alone.residual > 4 else {
      return nil
    }
    let near = Array(wholeNames.prefix(Self.nearest))
    for size in [2, 3] {
      let best = Self.choices(near, size).compactMap { Mixture($0, suspect: suspect, bases: bases, maps: maps) }
        .min { $0.residual < $1.residual }
      guard let best, best.live > 0.3 else { continue }
      let isNoise = best.residual < Mixture.bound && best.residual < 0.2 * alone.residual
      guard isNoise || best.residual < 1e-3 * alone.residual else { continue }
      let pairs = zip(best.names, best.parentWeights).sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
      let root = size > 2 ? root(among: best.names) : nil
      let merged = pairs.filter { $0.0 != root }
      let sum = pairs.map { "\(Figures.decimal($0.1, digits: 2)) x \($0.0)" }.joined(separator: " + ")
      return Conclusion(
        .merge, size == 2 ? "linear or slerp" : root == nil ? "linear" : "task arithmetic or model stock",
        bases: merged.map(\.0), confidence: 0.97,
        evidence: [
          "the weights are \(sum)",
          "what is left is \(Figures.decimal(best.residual, digits: 1)) times rounding noise; with \(state.best.name) alone \(Figures.decimal(alone.residual, digits: 0)) times",
        ], weights: merged.map(\.1))
    }
    return nil
  }

  /// Every choice of `size` names, the order kept.
  private static func choices(_ names: [String], _ size: Int) -> [[String]] {
    guard size > 0 else { return [[]] }
    return names.indices.flatMap { index in
      choices(Array(names[(index + 1)...]), size - 1).map { [names[index]] + $0 }
    }
  }

  /// The one of three or more parents that the others are made from: merges of task vectors start from it.
  private func root(among names: [String]) -> String? {
    guard names.count > 2 else { return nil }
    let stated = names.filter { name in
      names.count { other in parents[other]?.contains { ModelName.areSame($0, name) } ?? false } == names.count - 1
    }
    if let root = stated.first { return root }
    // Independent fine-tunes of one base lie at right angles from it.
    func square(_ a: String, _ b: String) -> Double {
      guard let x = bases[a], let y = bases[b] else { return .infinity }
      let ratios = x.keys.filter { $0.layer >= 0 }.compactMap { key -> Double? in
        guard let mine = x.sample(key), let its = y.sample(key), !mine.entry.isVector else { return nil }
        return Comparison(key, mine, its).map { $0.distance * $0.distance }
      }
      return Statistics.mean(ratios) ?? .infinity
    }
    return names.first { centre in
      let others = names.filter { $0 != centre }
      return others.indices.allSatisfy { i in
        others[..<i].allSatisfy { other in
          let legs = square(centre, others[i]) + square(centre, other)
          let across = square(others[i], other)
          return legs.isFinite && across.isFinite && across > 0.75 * legs
        }
      }
    }
  }

  private func mosaic(_ state: State) -> Conclusion? {
    let names = wholeNames
    guard let mosaic = Mosaic(names, suspect: suspect, bases: bases, maps: maps) else { return nil }
    let hits = names.filter { name in
      guard let share = mosaic.shares[name] else { return false }
      return share.exact > max(0.08, 3 * share.expected)
    }
    func told(_ names: [String]) -> [String] {
      names.map { "\(Figures.percent(mosaic.shares[$0]?.exact ?? 0)) of the weights are exactly those of \($0)" }
    }
    let sum = hits.reduce(0.0) { $0 + (mosaic.shares[$1]?.exact ?? 0) }
    if hits.count > 1, sum > 0.25 {
      let all = hits.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      let root = root(among: all)
      let onto = root.map { ["what was merged are differences from \($0)"] } ?? []
      return Conclusion(
        .merge, "TIES or DARE", bases: all.filter { $0 != root }, confidence: 0.9, evidence: told(all) + onto)
    }
    guard let root = hits.first, let share = mosaic.shares[root] else { return nil }
    let zeroed = Statistics.mean(state.best.layerMatrices.map(\.zeroed)) ?? 0
    let isLowRankLike =
      state.best.layerMatrices.contains { $0.equal > 0.995 } || (state.vectorsEqual.map { $0 > 0.995 } ?? false)
    guard share.exact > 0.1, share.exact < 0.97, share.exact > 4 * share.expected, zeroed < 0.05, !isLowRankLike else {
      return nil
    }
    let partners = Mosaic.partners(of: root, names, suspect: suspect, bases: bases, maps: maps)
    let isRoot =
      !partners.isEmpty && partners.allSatisfy { parents[$0]?.contains { ModelName.areSame($0, root) } ?? false }
    let found = Set(isRoot ? partners : hits + partners).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let more =
      partners.isEmpty
      ? "the rest moved: DARE or TIES with a model that is not known here, or a sparse update"
      : "the rest follows \(partners.joined(separator: ", "))"
    return Conclusion(
      .merge, "sparse delta", bases: found, confidence: partners.isEmpty ? 0.55 : 0.8, evidence: told([root]) + [more])
  }

  /// A merge of task vectors that keeps most of their changes.
  private func sparseSum() -> Conclusion? {
    let near = Array(wholeNames.prefix(Self.nearest))
    for names in Self.choices(near, 3) {
      guard let root = root(among: names) else { continue }
      let merged = names.filter { $0 != root }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      guard
        let sum = SparseSum(root: root, merged[0], merged[1], suspect: suspect, bases: bases, maps: maps),
        sum.isConvincing
      else { continue }
      return Conclusion(
        .merge, "DARE", bases: merged, confidence: 0.9,
        evidence: [
          "\(Figures.percent(sum.explained)) of the weights are those of \(root) plus changes of \(merged.joined(separator: " or ")), scaled by \(Figures.decimal(sum.scale, digits: 2))",
          "chance would explain \(Figures.percent(sum.byChance))",
        ])
    }
    return nil
  }

  // MARK: Grids, equality, ranks

  private func quantized(_ state: State, _ type: StoredType) -> Conclusion {
    let best = state.best
    let pairs = best.layerMatrices.compactMap { item -> (Double, Double)? in
      guard item.type.isQuantized, let grid = GridError.predicted(item.values, item.baseValues, item.type), grid > 0
      else {
        return nil
      }
      return (item.distance, grid)
    }
    let expected = Statistics.median(pairs.map(\.1)) ?? type.typicalError
    let ratio = Statistics.median(pairs.map { $0.0 / $0.1 }) ?? best.distance / expected
    let vectorDistance = Statistics.median(best.vectors.map(\.distance))
    let sameVectors = state.vectorsEqual.map { $0 > 0.98 } ?? false || vectorDistance.map { $0 < 3e-3 } ?? false
    let told = [
      matched(best),
      "they differ by \(Figures.percent(best.distance)); the steps of \(type.label) explain \(Figures.percent(expected))",
    ]
    if ratio < Self.gridRatio, sameVectors {
      return Conclusion(
        .quantize, type.label, bases: [best.name], confidence: 0.95,
        evidence: told + ["norms and biases are equal"], bits: type.bits)
    }
    let why = sameVectors ? "more than the steps explain" : "norms and biases differ"
    return Conclusion(
      .finetune, "then \(type.label)", bases: [best.name], confidence: 0.75,
      evidence: told + ["\(why): a derivative of \(best.name) that is not known here was quantised"], bits: type.bits)
  }

  private func exact(_ state: State) -> Conclusion? {
    let best = state.best
    let all = Statistics.mean(best.all.map(\.equal)) ?? 0
    guard state.equal > 0.995, state.vectorsEqual.map({ $0 > 0.995 }) ?? true, all > 0.99 else { return nil }
    let told = "\(matched(best)) value by value in \(best.all.count) tensors"
    if state.addedRows > 0 {
      return Conclusion(
        .extendVocabulary, "+\(state.addedRows) rows", bases: [best.name], confidence: 0.95,
        evidence: [told, "the embedding has \(state.addedRows) more rows"])
    }
    let sameTypes = best.all.allSatisfy { $0.type == $0.baseType }
    if suspect.container == state.base.container, sameTypes {
      return Conclusion(.copy, bases: [best.name], confidence: 0.99, evidence: [told])
    }
    let types = "\(Self.mainType(state.base)) to \(Self.mainType(suspect))"
    let files = "\(state.base.container) to \(suspect.container)"
    return Conclusion(
      .convert, sameTypes ? files : suspect.container == state.base.container ? types : "\(files), \(types)",
      bases: [best.name], confidence: 0.99, evidence: [told + ", rounding to the coarser type aside"])
  }

  private static func mainType(_ sketch: Sketch) -> String {
    var counts: [StoredType: Int] = [:]
    for (key, entry) in sketch.entries where key.layer >= 0 && !entry.isVector { counts[entry.type, default: 0] += 1 }
    return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key.label ?? "?"
  }

  private func loraMerge(_ state: State) -> Conclusion? {
    let best = state.best
    guard state.vectorsEqual.map({ $0 > 0.995 }) ?? false else { return nil }
    let changed = best.layerMatrices.filter { $0.equal < 0.98 }
    let embeddingsSame = best.matrices.filter { $0.key.layer < 0 }.allSatisfy { $0.equal > 0.995 }
    let roles = Set(changed.map(\.key.role)).sorted().joined(separator: ", ")
    let told = [matched(best), "changed are \(roles); norms and biases are untouched"]
    let outcomes = ranks(of: changed, state)
    let decided = outcomes.filter { $0 != .undecidable && $0 != .unchanged }
    let low = decided.compactMap { outcome -> Int? in if case .lowRank(let rank) = outcome { rank } else { nil } }
    if outcomes.contains(where: { $0 != .unchanged }) {
      guard !decided.isEmpty, 2 * low.count >= decided.count, let rank = low.max() else { return nil }
      return Conclusion(
        .loraMerge, "rank \(rank)", bases: [best.name], confidence: 0.95,
        evidence: told + ["what was added to them has rank \(rank)"])
    }
    guard embeddingsSame, !changed.isEmpty else { return nil }
    return Conclusion(
      .loraMerge, bases: [best.name], confidence: 0.6, evidence: told + ["embeddings are untouched too"])
  }

  /// Ranks of up to six of the changed matrices that the base has a square of.
  private func ranks(of changed: [Comparison], _ state: State) -> [RankTest.Outcome] {
    let known = changed.filter { item in
      guard let key = Comparisons.counterpart(of: item.key, state.best.map) else { return false }
      return state.base.blocks[key] != nil
    }
    guard !known.isEmpty else { return [] }
    let count = min(6, known.count)
    let places = (0..<count).map { count == 1 ? 0 : $0 * (known.count - 1) / (count - 1) }
    return places.compactMap { place in
      let item = known[place]
      guard let key = Comparisons.counterpart(of: item.key, state.best.map), let base = state.base.blocks[key],
        let mine = block(item.key)
      else { return nil }
      return RankTest.of(mine, item.type, base: base, item.baseType)
    }
  }

  private func fineTune(_ state: State) -> Conclusion {
    let best = state.best
    let near = best.layerDistance.count { ($0 ?? 9) <= 2 * best.distance }
    var told = [
      matched(best),
      "\(near) of \(suspect.layers) layers within \(Figures.percent(2 * best.distance)), half of the matrices within \(Figures.percent(best.distance))",
    ]
    if state.addedRows != 0 {
      told.append("the embedding has \(abs(state.addedRows)) \(state.addedRows > 0 ? "more" : "fewer") rows")
    }
    return Conclusion(
      .finetune, state.addedRows > 0 ? "vocabulary extended" : "", bases: [best.name],
      confidence: best.relation.score > 0.5 ? 0.95 : 0.7, evidence: told)
  }

  // MARK: Without a layer in common

  /// Embedding rows keep their norms under any permutation or rotation of the hidden dimension.
  private func withoutLayers() -> Conclusion? {
    var nearest: (name: String, difference: Double)?
    if let mine = norms() {
      for name in bases.keys.sorted() {
        guard let its = bases[name]?.embedding, its.rows == mine.rows, its.norms.count == mine.norms.count else {
          continue
        }
        let differences = zip(mine.norms, its.norms).filter { $0 > 0 && $1 > 0 }.map { abs(Double($0 / $1) - 1) }
        guard differences.count >= 16, let middle = Statistics.median(differences) else { continue }
        if middle < nearest?.difference ?? .infinity { nearest = (name, middle) }
      }
    }
    if let nearest, nearest.difference < 0.015 {
      return Conclusion(
        .finetune, "permuted or rotated", bases: [nearest.name], confidence: 0.7,
        evidence: [
          "no layer matches as it stands, but rows of the embedding are as long as those of \(nearest.name), within \(Figures.percent(nearest.difference))",
          "the hidden dimension was permuted or rotated, which hides a copy",
        ])
    }
    return embeddingOnly()
  }

  private func embeddingOnly() -> Conclusion? {
    guard let mine = suspect.sample(.embedding) else { return nil }
    var nearest: (name: String, cosine: Double)?
    for name in bases.keys.sorted() {
      guard let its = bases[name]?.sample(.embedding), its.entry.hasShape(of: mine.entry),
        let cosine = Statistics.cosine(mine.values, its.values, centred: true), cosine > 0.5
      else { continue }
      if cosine > nearest?.cosine ?? 0 { nearest = (name, cosine) }
    }
    return nearest.map { found in
      Conclusion(
        .distill, "embedding only", bases: [found.name], confidence: 0.6,
        evidence: [
          "the embedding resembles that of \(found.name) (cosine \(Figures.decimal(found.cosine, digits: 2))), no layer does"
        ])
    }
  }
}
