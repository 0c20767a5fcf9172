/// A base that a model may come from: one of a registry, or one of the same scan.
public struct KnownBase: Sendable {
  public var name: String
  public var parents: [String]
  public var license: String
  var revision = ""
  var digest: [UInt8] = []
  var signs: Signs
  var embedding: (rows: Int, columns: Int, word: UInt64)
  var norms: [Float]
  /// Its values, read when they are asked for; nil when nobody has them.
  var load: @Sendable () -> Sketch?

  /// A model that lies at hand.
  ///
  /// - Parameter load: reads its sketch once more, with the squares.
  public init(
    name: String, parents: [String], license: String, sketch: Sketch, load: @escaping @Sendable () -> Sketch?
  ) {
    self.name = name
    self.parents = parents
    self.license = license
    signs = Signs(sketch)
    embedding = RegistryRecord.embedding(of: sketch)
    norms = sketch.embedding?.norms ?? []
    self.load = load
  }

  init(_ record: RegistryRecord, in registry: RegistryFile) {
    name = record.name
    parents = record.parents
    license = record.license
    revision = record.revision
    digest = record.digest
    signs = record.signs
    embedding = record.embedding
    norms = record.norms
    load = { registry.sketch(of: record) }
  }
}

/// What was found out about a model's origin.
public struct Origin: Sendable {
  /// Nil when nothing known is related.
  public var conclusion: Conclusion?
  /// For an adapter: bases whose shapes its factors fit, of so many that could be compared.
  public var fits: [String] = []
  public var compared = 0
  /// Its tensors are the factors of an adapter.
  public var isAdapter = false
  /// No tensor could be read by place, so that nothing was compared.
  public var isUnreadable = false
  /// For people: why nothing was concluded, and the like.
  public var notes: [String] = []
  /// Bytes of the model that were read.
  public var bytesRead = 0
  public init() {}
}

/// Holds models against known bases: signs first, then the values of the few that resemble it.
public struct Matcher: Sendable {
  public let registries: [RegistryFile]
  public let local: [KnownBase]

  /// Bases whose values are compared. Count; 24: the nearest by their signs.
  private static let candidateLimit = 24
  /// Bases whose signs are read to the end for a model that resembles none by its layers. Count; 4,096.
  private static let wholeLimit = 4096
  /// Words of a record up to which all of its signs are looked at at once.
  private static let smallRecord = 128

  public init(registries: [RegistryFile] = [], local: [KnownBase] = []) {
    self.registries = registries
    self.local = local
  }

  /// - Parameter own: names the model itself is known by: it does not come from itself.
  public func find(_ weights: WeightSet, declared: [String], own: Set<String>) -> Origin {
    var model = ModelWeights(weights)
    var finding = Origin()
    if !model.adapters.isEmpty {
      finding.isAdapter = true
      fit(model.adapters, declared: declared, &finding)
      return finding
    }
    guard !model.tensors.isEmpty || !model.anonymous.isEmpty else {
      finding.isUnreadable = true
      finding.notes.append("none of its tensors could be read by place")
      return finding
    }
    var sketcher = Sketcher(model)
    var sketch = sketcher.sketch()
    let chosen: [KnownBase]
    if model.anonymous.isEmpty {
      chosen = candidates(for: Signs(sketch), own)
    } else {
      chosen = all(own, limit: Self.candidateLimit, near: sketch)
    }
    var values: [String: Sketch] = [:]
    var signsOnly: [KnownBase] = []
    func load(_ bases: [KnownBase]) {
      for base in bases where values[base.name] == nil {
        if let loaded = base.load() { values[base.name] = loaded } else { signsOnly.append(base) }
      }
    }
    load(chosen)
    if !model.anonymous.isEmpty, let resolved = AnonymousMatrices(model).resolved(sketch, &sketcher, values) {
      (sketch, model) = resolved
      sketcher = Sketcher(model)
    }
    var parents = Dictionary(chosen.map { ($0.name, $0.parents) }) { first, _ in first }
    let shared = SketcherBox(sketcher)
    func conclude() -> Conclusion? {
      var inference = Inference(
        suspect: sketch, bases: values, parents: parents, block: { shared.block($0) }, norms: { shared.norms(sketch) })
      return inference.conclude()
    }
    finding.conclusion = conclude()
    if finding.conclusion == nil {
      let more = hidden(sketch, shared.norms(sketch)?.norms ?? [], own).filter { values[$0.name] == nil }
      if !more.isEmpty {
        for base in more { parents[base.name] = base.parents }
        load(more)
        finding.conclusion = conclude()
      }
    }
    finding.bytesRead = sketcher.buffer.bytesRead + shared.bytesRead
    if finding.conclusion == nil, let base = signsOnly.first, !chosen.isEmpty {
      finding.conclusion = bySigns(sketch, base)
    }
    return finding
  }

  /// What signs alone allow to say.
  private func bySigns(_ sketch: Sketch, _ base: KnownBase) -> Conclusion? {
    guard let likeness = Signs(sketch).resemblance(to: base.signs, bits: 64), likeness.matched >= 0.3 else {
      return nil
    }
    let told = [
      "\(Figures.percent(likeness.matched)) of its layers resemble \(base.name) (cosine \(Figures.decimal(likeness.score, digits: 2)) by their signs)",
      "the registry keeps no values of it, so how it was made is not certain",
    ]
    if let type = sketch.quantization {
      return Conclusion(.quantize, type.label, bases: [base.name], confidence: 0.5, evidence: told, bits: type.bits)
    }
    return Conclusion(.finetune, bases: [base.name], confidence: 0.5, evidence: told)
  }

  // MARK: Choosing

  /// Bases that a model resembles by its signs, the nearest first.
  private func candidates(for signs: Signs, _ own: Set<String>) -> [KnownBase] {
    var found: [(base: KnownBase, score: Double)] = []
    let wanted = Set(signs.columns.map { RegistryFile.hash($0) })
    for registry in registries {
      for (number, entry) in registry.index.enumerated() {
        guard entry.columnCount > RegistryFile.indexHashes || entry.hashes.contains(where: wanted.contains) else {
          continue
        }
        let isSmall = entry.layers * entry.columnCount <= Self.smallRecord
        if !isSmall {
          guard let first = registry.record(number, .firstPlane), Self.score(signs, first.signs, bits: 16) != nil else {
            continue
          }
        }
        guard let record = registry.record(number, .whole), !own.contains(record.name),
          let score = Self.score(signs, record.signs, bits: 64)
        else { continue }
        found.append((KnownBase(record, in: registry), score))
      }
    }
    for base in local where !own.contains(base.name) {
      if let score = Self.score(signs, base.signs, bits: 64) { found.append((base, score)) }
    }
    found.sort {
      $0.score != $1.score ? $0.score > $1.score : $0.base.name.utf8.lexicographicallyPrecedes($1.base.name.utf8)
    }
    return found.prefix(Self.candidateLimit).map(\.base)
  }

  /// How much a base resembles a suspect; nil when no more than chance would.
  private static func score(_ suspect: Signs, _ base: Signs, bits: Int) -> Double? {
    var best: Double?
    if let diagonal = suspect.diagonal(with: base, bits: bits), diagonal.mean > max(0.06, 3.5 * diagonal.sigma) {
      best = diagonal.mean
    }
    if let likeness = suspect.resemblance(to: base, bits: bits),
      likeness.matched * Double(suspect.layers) >= max(1, 0.1 * Double(suspect.layers))
    {
      best = max(best ?? 0, likeness.score)
    }
    return best
  }

  /// Every known base, those whose embedding resembles the sketch's first.
  private func all(_ own: Set<String>, limit: Int, near sketch: Sketch) -> [KnownBase] {
    let mine = RegistryRecord.embedding(of: sketch)
    var found: [(base: KnownBase, score: Int)] = []
    func consider(_ base: KnownBase) {
      guard !own.contains(base.name) else { return }
      let isSame = base.embedding.rows == mine.rows && base.embedding.columns == mine.columns
      found.append((base, isSame && mine.word != 0 ? (base.embedding.word ^ mine.word).nonzeroBitCount : 65))
    }
    for registry in registries {
      for number in registry.index.indices {
        if let record = registry.record(number, .head) { consider(KnownBase(record, in: registry)) }
      }
    }
    local.forEach(consider)
    found.sort {
      $0.score != $1.score ? $0.score < $1.score : $0.base.name.utf8.lexicographicallyPrecedes($1.base.name.utf8)
    }
    return found.prefix(limit).map(\.base)
  }

  /// Bases that share the embedding, or its rows' norms, and no layer as it stands.
  private func hidden(_ sketch: Sketch, _ norms: [Float], _ own: Set<String>) -> [KnownBase] {
    let mine = RegistryRecord.embedding(of: sketch)
    guard mine.rows > 0 else { return [] }
    var found: [(base: KnownBase, difference: Double)] = []
    func consider(_ base: KnownBase) {
      guard !own.contains(base.name), base.embedding.rows == mine.rows else { return }
      let differences = zip(norms, base.norms).filter { $0 > 0 && $1 > 0 }.map { abs(Double($0 / $1) - 1) }
      let difference = differences.count >= 16 ? Statistics.median(differences) ?? 1 : 1
      let agreement = 1 - Double((base.embedding.word ^ mine.word).nonzeroBitCount) / 32
      let isAlike =
        base.embedding.columns == mine.columns && mine.word != 0 && base.embedding.word != 0
        && SignMath.cosine(agreement: agreement) > 0.4
      if difference < 0.03 || isAlike { found.append((base, difference)) }
    }
    var looked = 0
    for registry in registries {
      for (number, entry) in registry.index.enumerated() where entry.embeddingRows == mine.rows {
        looked += 1
        guard looked <= Self.wholeLimit else { break }
        if let record = registry.record(number, .norms) { consider(KnownBase(record, in: registry)) }
      }
    }
    local.forEach(consider)
    found.sort {
      $0.difference != $1.difference
        ? $0.difference < $1.difference : $0.base.name.utf8.lexicographicallyPrecedes($1.base.name.utf8)
    }
    return found.prefix(8).map(\.base)
  }

  // MARK: Adapters

  /// Low-rank factors say nothing about the weights they were made for but the shapes.
  private func fit(_ adapters: [TensorKey: (outputs: Int, inputs: Int)], declared: [String], _ finding: inout Origin) {
    func fits(_ base: KnownBase) -> Bool {
      let columns = Dictionary(grouping: base.signs.columns, by: \.role)
      var compared = 0
      for (key, shape) in adapters where key.layer >= 0 {
        guard let found = columns[key.role] else { return false }
        compared += 1
        let isRight = found.contains {
          ($0.rows == shape.outputs && $0.columns == shape.inputs)
            || ($0.rows == shape.inputs && $0.columns == shape.outputs)
        }
        guard isRight, key.layer < base.signs.layers else { return false }
      }
      return compared > 0
    }
    for base in everyHead() {
      finding.compared += 1
      if fits(base) { finding.fits.append(base.name) }
    }
    finding.fits.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let found = finding.fits.filter { base in declared.contains { ModelName.areSame($0, base) } }
    guard !found.isEmpty else {
      finding.notes.append(
        "an adapter's shapes fit \(finding.fits.count) of \(finding.compared) known bases; only what it declares can tell which"
      )
      return
    }
    finding.conclusion = Conclusion(
      .adapter, bases: Array(Set(found)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, confidence: 0.6,
      evidence: [
        "its \(adapters.count) pairs of factors fit the shapes of \(found[0]), as they do \(finding.fits.count) of \(finding.compared) known bases"
      ])
  }

  private func everyHead() -> [KnownBase] {
    var found = local
    for registry in registries {
      for number in registry.index.indices {
        if let record = registry.record(number, .head) { found.append(KnownBase(record, in: registry)) }
      }
    }
    return found
  }

  // MARK: Names

  public func knownBases() -> KnownBases {
    KnownBases(
      everyHead().map {
        KnownBases.Entry(
          name: $0.name, parents: $0.parents, license: $0.license, revision: $0.revision, digest: $0.digest)
      })
  }
}

/// Lets the inference ask for more of the suspect.
private final class SketcherBox {
  private var sketcher: Sketcher
  private var known: Sketch?
  private let start: Int

  init(_ sketcher: Sketcher) {
    self.sketcher = sketcher
    start = sketcher.buffer.bytesRead
  }

  /// Bytes read for what was asked for.
  var bytesRead: Int { sketcher.buffer.bytesRead - start }

  func block(_ key: TensorKey) -> Sketch.Block? { sketcher.block(key) }

  func norms(_ sketch: Sketch) -> (rows: Int, norms: [Float])? {
    if known == nil {
      var copy = sketch
      sketcher.addNorms(to: &copy)
      known = copy
    }
    return known?.embedding
  }
}

/// Matrices of a graph that have numbers for names, given their places by what they hold.
struct AnonymousMatrices {
  let model: ModelWeights

  init(_ model: ModelWeights) { self.model = model }

  /// The sketch and the model with every matrix at the place of the base that most of them fit.
  func resolved(
    _ sketch: Sketch, _ sketcher: inout Sketcher, _ bases: [String: Sketch]
  ) -> (Sketch, ModelWeights)? {
    var best: (score: Double, sketch: Sketch, model: ModelWeights)?
    for name in bases.keys.sorted() {
      guard let base = bases[name] else { continue }
      let (found, placed) = assign(sketch, &sketcher, base)
      guard let relation = Relation(LayerVectors(found), LayerVectors(base)) else { continue }
      if relation.score > best?.score ?? -1 { best = (relation.score, found, placed) }
    }
    return best.map { ($0.sketch, $0.model) }
  }

  private struct Sampled: Hashable {
    var index: Int
    var isTurned: Bool
    var rows: Int
    var columns: Int
  }

  private func assign(_ sketch: Sketch, _ sketcher: inout Sketcher, _ base: Sketch) -> (Sketch, ModelWeights) {
    var found = sketch
    var placed = model
    var pool: [Sampled: [Float]] = [:]
    let orientations = model.anonymous.map { [(true, Self.turned($0)), (false, $0)] }
    var free = Set(model.anonymous.indices)
    for key in base.keys where found.entries[key] == nil {
      guard let (entry, values) = base.sample(key), !entry.isVector else { continue }
      var best: (cosine: Double, index: Int, reader: any MatrixReader, sample: [Float])?
      for index in free.sorted() {
        for (isTurned, reader) in orientations[index] {
          guard let reader, reader.rows == entry.rows, reader.columns == entry.columns else { continue }
          let place = Sampled(index: index, isTurned: isTurned, rows: entry.rows, columns: entry.columns)
          let sample = pool[place] ?? sketcher.matrix(reader, rows: entry.rows, columns: entry.columns)
          pool[place] = sample
          guard let cosine = Statistics.cosine(sample[...], values), cosine > best?.cosine ?? Relation.bound else {
            continue
          }
          best = (cosine, index, reader, sample)
        }
      }
      guard let best else { continue }
      free.remove(best.index)
      found.add(
        key,
        Sketch.Entry(rows: entry.rows, columns: entry.columns, isVector: false, type: best.reader.type, range: 0..<0),
        best.sample)
      placed.tensors[key] = ModelWeights.Tensor(reader: best.reader, isVector: false)
    }
    found.layers = (found.entries.keys.map(\.layer).max() ?? -1) + 1
    placed.layers = found.layers
    return (found, placed)
  }

  private static func turned(_ reader: any MatrixReader) -> (any MatrixReader)? {
    if let dense = reader as? DenseMatrix { return dense.transposed }
    if let scaled = reader as? ScaledMatrix { return scaled.transposed }
    return nil
  }
}
