import MScanBytes
import MScanFacts

/// Holds each index against the shards it names, once all files are read: a tensor that lies in another shard, or in
/// none, makes loaders that trust the index and loaders that read every shard end up with different weights.
enum ShardTensors {
  /// States facts about an index file, the only row of the buffer.
  ///
  /// - Parameters:
  ///   - claims: of the files of one folder, by the last component of their names.
  static func state(of name: String, claims: [String: FileClaims], into buffer: inout FactBuffer) {
    guard let index = claims[name]?.index, let first = index.first else { return }
    let row = 0
    var listed: [String: Set<UInt64>] = [:]
    for entry in index {
      let hash = FileClaims.hash(entry.tensor)
      listed[entry.shard, default: []].insert(hash)
      guard let shard = claims[entry.shard]?.tensors, !shard.contains(hash) else { continue }
      let detail = "\(entry.shard) has no tensor of this name"
      buffer.emit(
        .anomaly(AnomalyFact(subject: "folder.tensor-elsewhere", field: "weight_map", detail: detail)),
        artifact: row, range: entry.fact.range, place: entry.fact.place)
    }
    for (shard, names) in listed.sorted(by: { $0.key.precedes($1.key) }) {
      guard let held = claims[shard]?.tensors else { continue }
      let count = held.subtracting(names).count
      guard count > 0 else { continue }
      let detail = "\(count) tensors of \(shard)"
      buffer.emit(
        .anomaly(AnomalyFact(subject: "folder.unlisted-tensors", field: "weight_map", detail: detail)),
        artifact: row, range: first.fact.range, place: first.fact.place)
    }
  }
}
