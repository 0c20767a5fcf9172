import MScanBytes
import MScanFacts

/// What a file says that other files have to bear out.
struct FileClaims: Sendable {
  /// Where an index says that a tensor lies.
  struct Entry: Sendable {
    var tensor: String
    var shard: String
    /// The fact that says so, in a table of one row: the index file.
    var fact: Fact
  }

  /// `weight_map` of an index.
  var index: [Entry] = []
  /// Hashes of the names of the tensors of a weight file; nil when the file has none, or too many to know them all.
  var tensors: Set<UInt64>?

  var isEmpty: Bool { index.isEmpty && tensors == nil }

  /// Takes the claims out of a file's facts.
  init(_ buffer: FactBuffer, fileName: String) {
    if fileName.hasSuffix(".index.json") {
      for fact in buffer.facts where fact.artifact == 0 {
        guard case .value(let value) = fact.payload, value.keyPath.hasPrefix("weight_map."),
          case .text(let shard) = value.value
        else { continue }
        index.append(Entry(tensor: String(value.keyPath.dropFirst(11)), shard: shard, fact: fact))
      }
    } else if fileName.hasSuffix(".safetensors"), buffer.fileFormat == "safetensors", !buffer.droppedFacts.contains(0) {
      var names: Set<UInt64> = []
      for fact in buffer.facts where fact.artifact == 0 {
        if case .tensor(let tensor) = fact.payload { names.insert(Self.hash(tensor.name)) }
      }
      tensors = names
    }
  }

  static func hash(_ name: String) -> UInt64 {
    var hash = StableHash()
    hash.combine(name)
    return hash.value
  }
}

/// Holds each index against the shards it names, once all files are read: a tensor that lies in another shard, or in
/// none, makes loaders that trust the index and loaders that read every shard end up with different weights.
enum ShardTensors {
  /// Facts about an index file, in a buffer of their own whose only row is that file.
  ///
  /// - Parameters:
  ///   - claims: of the files of one folder, by the last component of their names.
  static func facts(of name: String, reported: String, size: Int, claims: [String: FileClaims]) -> FactBuffer? {
    guard let index = claims[name]?.index, !index.isEmpty else { return nil }
    var buffer = FactBuffer()
    let row = buffer.artifacts.append(Artifact(name: reported, format: "json", size: size))
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
    guard let first = index.first else { return buffer }
    for (shard, names) in listed.sorted(by: { $0.key.precedes($1.key) }) {
      guard let held = claims[shard]?.tensors else { continue }
      let count = held.subtracting(names).count
      guard count > 0 else { continue }
      let detail = "\(count) tensors of \(shard)"
      buffer.emit(
        .anomaly(AnomalyFact(subject: "folder.unlisted-tensors", field: "weight_map", detail: detail)),
        artifact: row, range: first.fact.range, place: first.fact.place)
    }
    return buffer.facts.isEmpty ? nil : buffer
  }
}
