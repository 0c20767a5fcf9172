import MScanBytes
import MScanFacts
import Synchronization

/// Which files are asked for, and their digests.
extension ProvenanceRun {
  mutating func plan() {
    for number in readings.indices {
      if readings[number].findsBase { findBase(number) }
      for claim in readings[number].claims { ask(for: claim) }
    }
    if hashing == .all {
      for (number, file) in index.files.enumerated() where file.problem == nil {
        requests[number, default: HashRequest(path: file.path)].whole.insert(.sha256)
      }
    }
  }

  mutating func ask(for claim: RecordClaim) {
    guard let location = claim.location, let number = index.index(of: location) else { return }
    let file = index.files[number]
    let algorithms = Set(claim.digests.map(\.algorithm).filter { $0.length != nil })
    guard file.problem == nil, !algorithms.isEmpty || claim.size != nil else { return }
    var request = requests[number] ?? HashRequest(path: file.path)
    if let part = claim.part {
      request.parts[part, default: []].formUnion(algorithms)
    } else {
      request.whole.formUnion(algorithms)
      if claim.mayBePointer { request.whole.insert(.sha256) }
    }
    requests[number] = request
  }

  /// A record may lie beside the folder that it lists: the folder where most of its names are is taken, its own first.
  mutating func findBase(_ number: Int) {
    let reading = readings[number]
    let relative = reading.claims.compactMap { claim in
      claim.location.map { SystemPath(bytes: $0.bytes.dropFirst(reading.base.bytes.count + 1)) }
    }
    func hits(_ folder: SystemPath) -> Int { relative.count { index.index(of: folder.appending($0)) != nil } }
    var best = (folder: reading.base, hits: hits(reading.base))
    if best.hits == 0, !relative.isEmpty {
      var tried: Set<SystemPath> = []
      let depth = reading.base.components.count
      for file in index.below(reading.base) {
        let components = index.files[file].location.components
        guard components.count > depth + 1 else { continue }
        let folder = reading.base.appending(components[depth])
        guard tried.insert(folder).inserted, tried.count <= 64 else { continue }
        let count = hits(folder)
        if count > best.hits { best = (folder, count) }
      }
    }
    if best.hits == 0 {
      if reading.claims.contains(where: { !$0.isOptional }) {
        let count = reading.claims.count
        readings[number].notes.append(
          RecordNote(
            .unverifiable, "record-of-other-files",
            detail: "none of the \(count) files that it lists is here; it is about another folder"))
      }
      readings[number].claims = []
      return
    }
    guard best.folder != reading.base else { return }
    readings[number].base = best.folder
    func moved(_ place: SystemPath) -> SystemPath {
      let rest = place.bytes.dropFirst(reading.base.bytes.count + 1)
      return rest.isEmpty ? best.folder : best.folder.appending(SystemPath(bytes: rest))
    }
    readings[number].covers = reading.covers.map(moved)
    readings[number].leftOut = reading.leftOut.map(moved)
    for claim in readings[number].claims.indices {
      guard let location = readings[number].claims[claim].location else { continue }
      let rest = SystemPath(bytes: location.bytes.dropFirst(reading.base.bytes.count + 1))
      readings[number].claims[claim].location = best.folder.appending(rest)
    }
  }

  // MARK: - Digests

  mutating func hash(jobs: Int, progress: @escaping @Sendable (Int) -> Void) {
    if hashing == .never {
      // Sizes cost nothing.
      for number in requests.keys {
        requests[number]?.whole = []
        requests[number]?.parts = [:]
      }
    }
    guard !requests.isEmpty else { return }
    let sizes = Dictionary(
      uniqueKeysWithValues: requests.map { number, request in
        (number, (try? FileStatus(of: request.path, followLinks: false))?.size ?? 0)
      })
    // One file by several links is read once.
    var byPath: [SystemPath: [Int]] = [:]
    var merged: [SystemPath: HashRequest] = [:]
    for number in requests.keys.sorted() {
      guard let request = requests[number] else { continue }
      byPath[request.path, default: []].append(number)
      var whole = merged[request.path] ?? HashRequest(path: request.path)
      whole.whole.formUnion(request.whole)
      whole.parts.merge(request.parts) { $0.union($1) }
      merged[request.path] = whole
    }
    // The largest first, so that no core is left with one at the end.
    let order = merged.keys.sorted { a, b in
      let (left, right) = (size(a), size(b))
      return left != right ? left > right : a < b
    }
    func size(_ path: SystemPath) -> Int { byPath[path]?.first.flatMap { sizes[$0] } ?? 0 }
    let work = order.compactMap { merged[$0] }
    let done = Mutex(Progress(results: Array(repeating: nil, count: work.count)))
    let shared = Shared(done)
    Workers.run(work.count, threads: jobs) { number in
      let result = FileHasher.hash(work[number])
      let bytes = shared.progress.withLock { progress in
        progress.results[number] = result
        progress.bytes += result.size
        return progress.bytes
      }
      progress(bytes)
      return true
    }
    let all = shared.progress.withLock { $0 }
    for (number, request) in work.enumerated() {
      guard let result = all.results[number] else { continue }
      for file in byPath[request.path] ?? [] {
        results[file] = result
        if let digest = result.whole[.sha256] { outcome.sha256[index.files[file].reported] = Hex.text(digest) }
      }
      if !request.whole.isEmpty || !request.parts.isEmpty {
        outcome.hashedFiles += 1
        outcome.hashedBytes += result.size
      }
    }
  }

  struct Progress {
    var results: [HashResult?]
    var bytes = 0
  }

  final class Shared: Sendable {
    let progress: Mutex<Progress>
    init(_ progress: consuming Mutex<Progress>) { self.progress = progress }
  }
}
