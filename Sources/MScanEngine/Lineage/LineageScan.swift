import MScanBytes
import MScanFacts
import MScanLineage
import Synchronization

/// Takes what the files of a scan say about where their models come from, and joins it when all are read.
final class LineageScan: Sendable {
  private let files = Mutex([Int: ModelFile]())
  /// Folders, and whether an advisory is about what they are called.
  private let named = Mutex([SystemPath: Bool]())
  private let options: LineageOptions
  private let jobs: Int

  init(_ options: LineageOptions, jobs: Int) {
    self.options = options
    self.jobs = jobs
  }

  func take(_ scan: FileScan, _ target: Target, _ number: Int) {
    let file = ModelFile(scan, target: target, number: number)
    guard !file.isEmpty || isNamed(file.folder) else { return }
    files.withLock { $0[number] = file }
  }

  private func isNamed(_ folder: SystemPath) -> Bool {
    guard !options.advisories.isEmpty else { return false }
    if let known = named.withLock({ $0[folder] }) { return known }
    let names = ModelIdentity(folder).names
    let isNamed = options.advisories.contains { names.contains(where: $0.isAbout) }
    named.withLock { $0[folder] = isNamed }
    return isNamed
  }

  /// What one model turned out to be.
  struct Outcome: Sendable {
    var unit: ModelUnit
    var origin: Origin
    var verdict: Verdict
  }

  struct Result: Sendable {
    var report = LineageReport()
    /// Bytes of weights that were read.
    var bytesRead = 0
    /// Facts about models, each with the number of the target they are told of.
    var scans: [(target: Int, scan: FileScan)] = []
  }

  /// Models of one scan that are compared with each other. Count; 512: comparing is cheap, reading their samples is not.
  private static let localLimit = 512

  /// - Parameter gravest: of the findings about each target, as far as it has any.
  func finish(gravest: [Int: Severity]) -> Result {
    let taken = files.withLock { $0 }
    let units = ModelUnits.all(of: taken.keys.sorted().compactMap { taken[$0] }, isNamed: isNamed)
    guard !units.isEmpty else { return Result() }
    let local = localBases(units)
    let known = Matcher(registries: options.registries, local: local.map(\.base)).knownBases()
    let outcomes = outcomes(units, local, known)
    var result = Result()
    result.bytesRead = outcomes.reduce(0) { $0 + $1.origin.bytesRead }
    let teller = LineageTeller(known: known, advisories: options.advisories, hashesTensors: options.hashesTensors)
    for outcome in outcomes { teller.tell(outcome, gravest: gravest, into: &result) }
    return result
  }

  private struct Local: Sendable {
    var unit: Int
    var base: KnownBase
  }

  /// Models of the scan that others of it may come from.
  private func localBases(_ units: [ModelUnit]) -> [Local] {
    let candidates = units.indices.filter { !units[$0].isWeightless }
    guard Set(candidates.map { units[$0].folder }).count > 1, candidates.count <= Self.localLimit else { return [] }
    let found = Mutex([Int: KnownBase]())
    Workers.run(candidates.count, threads: jobs) { place in
      let unit = units[candidates[place]]
      guard let weights = unit.weights(),
        let taken = Fingerprinting.take(weights, name: unit.child, withBlocks: false), taken.sketch.quantization == nil
      else { return true }
      let base = KnownBase(
        name: ModelIdentity(unit.folder).fullName, parents: unit.claims.filter(\.isOfWeights).map(\.parent),
        license: unit.license, sketch: taken.sketch
      ) {
        unit.weights().flatMap { Fingerprinting.take($0, name: unit.child)?.sketch }
      }
      found.withLock { $0[candidates[place]] = base }
      return true
    }
    return found.withLock { found in
      found.keys.sorted().compactMap { unit in found[unit].map { Local(unit: unit, base: $0) } }
    }
  }

  private func outcomes(_ units: [ModelUnit], _ local: [Local], _ known: KnownBases) -> [Outcome] {
    let found = Mutex([Int: Outcome]())
    let options = options
    let choice = LocalChoice(local, units)
    Workers.run(units.count, threads: jobs) { number in
      let unit = units[number]
      let claims = unit.claims.filter(\.isOfWeights)
      var origin = Origin()
      let bases = choice.bases(for: unit).map { local[$0].base }
      if !options.registries.isEmpty || !bases.isEmpty, let weights = unit.weights() {
        origin = Matcher(registries: options.registries, local: bases)
          .find(weights, declared: claims.map(\.parent), own: unit.ownNames)
      }
      let verdict = Verdict(claims: unit.claims, origin: origin, known: known)
      found.withLock { $0[number] = Outcome(unit: unit, origin: origin, verdict: verdict) }
      return true
    }
    return found.withLock { found in found.keys.sorted().compactMap { found[$0] } }
  }

  /// Of two models that resemble each other the weights do not tell which was first. A model that claims nothing is a
  /// base; one that claims something is not. What was quantised is never a base, and is made from one.
  private struct LocalChoice: Sendable {
    private let folders: [SystemPath]
    /// Numbers of the candidates that claim nothing.
    private var unclaiming: [Int] = []
    private var names = ModelNameIndex()

    init(_ local: [Local], _ units: [ModelUnit]) {
      folders = local.map { units[$0.unit].folder }
      for (number, candidate) in local.enumerated() {
        let unit = units[candidate.unit]
        if unit.claims.allSatisfy({ !$0.isOfWeights }) { unclaiming.append(number) }
        for name in unit.ownNames { names.add(name, number) }
      }
    }

    /// Numbers of the candidates it may come from, ascending. Never of its own folder or of one inside or around it.
    func bases(for unit: ModelUnit) -> [Int] {
      guard !folders.isEmpty else { return [] }
      let claims = unit.claims.filter(\.isOfWeights)
      var found = Set(claims.flatMap { names.numbers(of: $0.parent) })
      if !claims.isEmpty || unit.isQuantised { found.formUnion(unclaiming) }
      return found.sorted().filter { !folders[$0].isInside(unit.folder) && !unit.folder.isInside(folders[$0]) }
    }
  }
}
