public import MScanBytes
import MScanFacts
public import MScanLineage
import MScanProvenance
import Synchronization

/// Takes the fingerprints of known bases and adds them to a registry.
public struct Fingerprinter: Sendable {
  public struct Added: Sendable, Hashable {
    public var name: String
    public var layers: Int
    public var tensors: Int
    /// Bytes of its record in the registry, and of its values beside it.
    public var recordBytes: Int
    public var valueBytes: Int
    public var isReplaced: Bool
  }

  public var limits: Limits
  public var jobs: Int
  /// False for the registry alone: a few kilobytes a base, which tell families and not how a derivative was made.
  public var keepsValues = true
  /// Whether the weights are read whole for their digest, by which lockfiles name a parent.
  public var hashes = false

  public init(limits: Limits = .standard, jobs: Int = RunningProcess.cores) {
    self.limits = limits
    self.jobs = max(1, jobs)
  }

  private struct Base: Sendable {
    var record: RegistryRecord
    var sketch: Sketch
  }

  /// Adds every model of the targets.
  ///
  /// - Parameters:
  ///   - name: `org/name`; nil for the id of a hub cache, else the last two parts of the path. Only for one model.
  /// - Returns: what was added, and what was left out, in words.
  /// - Throws: words for people.
  public func add(
    _ targets: [Target], name: String?, to path: SystemPath
  ) throws(RegistryFile.Failure) -> (added: [Added], leftOut: [String]) {
    let (units, notes) = models(of: targets)
    if name != nil, units.count > 1 {
      let folders = units.prefix(3).map(\.child).joined(separator: ", ")
      throw RegistryFile.Failure(
        message:
          "--name names one model, and there are \(units.count) (\(folders)\(units.count > 3 ? " …" : "")); name each by itself"
      )
    }
    let (bases, unreadable) = fingerprints(of: units, name)
    guard !bases.isEmpty else {
      throw RegistryFile.Failure(message: unreadable.first ?? notes.first ?? "there is no model among these files")
    }
    let added = try FileUpdate.withLock(on: path.parent) { () throws(RegistryFile.Failure) in
      try write(bases, to: path)
    }
    return (added, notes + unreadable)
  }

  /// One model for each folder: the most exact of its weight files.
  private func models(of targets: [Target]) -> (units: [ModelUnit], notes: [String]) {
    let walker = Walker(limits: limits, interest: ValueInterest(keys: ClaimReader.keys))
    let files = Mutex([Int: ModelFile]())
    Workers.run(targets.count, threads: jobs) { index in
      if let scan = walker.read(targets[index]) {
        let file = ModelFile(scan, target: targets[index], number: index)
        if !file.isEmpty { files.withLock { $0[index] = file } }
      }
      return true
    }
    let taken = files.withLock { files in files.keys.sorted().compactMap { files[$0] } }
    var best: [SystemPath: ModelUnit] = [:]
    var order: [SystemPath] = []
    var notes: [String] = []
    for unit in ModelUnits.all(of: taken, isNamed: { _ in false }) where !unit.isWeightless {
      guard let other = best[unit.folder] else {
        best[unit.folder] = unit
        order.append(unit.folder)
        continue
      }
      let isBetter = Self.exactness(unit) > Self.exactness(other)
      if isBetter { best[unit.folder] = unit }
      notes.append("\((isBetter ? other : unit).child) is left out: another file of its folder is the more exact one")
    }
    return (order.compactMap { best[$0] }, notes)
  }

  private static func exactness(_ unit: ModelUnit) -> Int {
    let isAdapter = unit.files.contains { $0.name.hasPrefix("adapter_") }
    let isQuantised = unit.files.contains { $0.tensors.contains { ["Q", "I"].contains($0.stored.dtype.prefix(1)) } }
    let order = ["npz", "hdf5", "onnx", "gguf", "torch", "safetensors"]
    let container = order.firstIndex(of: unit.files.first?.container ?? "") ?? -1
    return (isAdapter ? -100 : 0) + (isQuantised ? -50 : 0) + container
  }

  private func fingerprints(of units: [ModelUnit], _ name: String?) -> ([Base], [String]) {
    let found = Mutex([Int: Base]())
    let (keepsValues, hashes, limit) = (keepsValues, hashes, jobs)
    Workers.run(units.count, threads: limit) { number in
      let unit = units[number]
      guard let weights = unit.weights() else { return true }
      let parents = unit.claims.filter(\.isOfWeights).map(\.parent)
      var unique: [String] = []
      for parent in parents where !unique.contains(where: { ModelName.areSame($0, parent) }) { unique.append(parent) }
      let taken = Fingerprinting.take(
        weights, name: name ?? ModelIdentity(unit.folder).fullName, revision: unit.revision, license: unit.license,
        parents: unique, withBlocks: keepsValues)
      guard var taken else { return true }
      if hashes { taken.record.digest = Self.digest(of: unit) }
      found.withLock { $0[number] = Base(record: taken.record, sketch: taken.sketch) }
      return true
    }
    let bases = found.withLock { $0 }
    let missing = units.indices.filter { bases[$0] == nil }.map {
      "\(units[$0].child) is left out: none of its tensors can be read by place"
    }
    return (bases.keys.sorted().compactMap { bases[$0] }, missing)
  }

  /// ``RegistryRecord/digest`` of a model; empty when a file of it cannot be read.
  private static func digest(of unit: ModelUnit) -> [UInt8] {
    var digests: [[UInt8]] = []
    for file in unit.files where !file.tensors.isEmpty {
      let whole = ByteRange(0, file.size)
      guard let digest = FileDigests.sha256(of: file.path, [whole])[whole] else { return [] }
      digests.append(digest)
    }
    if digests.count < 2 { return digests.first ?? [] }
    return FileDigests.sha256(of: digests.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 })
  }

  private func write(_ bases: [Base], to path: SystemPath) throws(RegistryFile.Failure) -> [Added] {
    let valuesPath = RegistryStore.valuesPath(of: path)
    var registry: RegistryFile?
    if (try? FileStatus(of: path, followLinks: true)) != nil { registry = try RegistryStore.open(path) }
    let valuesSize = (try? FileStatus(of: valuesPath, followLinks: true))?.size ?? 0
    var update = try RegistryUpdate(registry, valuesBytes: valuesSize)
    var added: [Added] = []
    for base in bases {
      let before = update.addedValues.count
      let replaced = update.replaced.count
      update.add(base.record, base.sketch, keepsValues: keepsValues)
      added.append(
        Added(
          name: base.record.name, layers: base.sketch.layerCount, tensors: base.sketch.tensorCount,
          recordBytes: base.record.byteCount, valueBytes: update.addedValues.count - before,
          isReplaced: update.replaced.count > replaced))
    }
    do throws(FileStatus.Failure) {
      if !update.addedValues.isEmpty {
        if update.startsValues {
          try FileUpdate.replace(valuesPath, with: update.addedValues)
        } else {
          try FileUpdate.append(update.addedValues, to: valuesPath)
        }
      }
      try FileUpdate.replace(path, with: update.registry)
    } catch {
      let why: String =
        switch error {
        case .missing: "its folder does not exist"
        case .permission: "you may not write there"
        case .loop: "it is a link"
        case .failed(let code): FileSystem.message(for: code)
        }
      throw RegistryFile.Failure(message: "'\(path)' cannot be written: \(why)")
    }
    return added
  }
}
