import MScanFacts

/// A file name of a sharded set: `model-00001-of-00003.safetensors`, `x-00001-of-00002.gguf`.
struct ShardName: Hashable {
  /// What stands before the number, and what stands behind the count.
  let prefix: String
  let suffix: String
  let number: Int
  let total: Int

  /// Five digits each, as every writer of such names has them.
  init?(_ name: String) {
    let bytes = Array(name.utf8)
    // `-ddddd-of-ddddd`: 15 bytes.
    guard bytes.count > 15 else { return nil }
    var at = bytes.count - 15
    while at > 0 {
      if let found = Self.numbers(bytes[at..<(at + 15)]) {
        prefix = String(decoding: bytes[..<at], as: UTF8.self)
        suffix = String(decoding: bytes[(at + 15)...], as: UTF8.self)
        (number, total) = found
        return
      }
      at -= 1
    }
    return nil
  }

  private static func numbers(_ part: ArraySlice<UInt8>) -> (Int, Int)? {
    let mark = Array("-of-".utf8)
    guard part.first == UInt8(ascii: "-"), part.dropFirst(6).starts(with: mark) else { return nil }
    func value(_ digits: ArraySlice<UInt8>) -> Int? {
      digits.allSatisfy { (0x30...0x39).contains($0) } ? digits.reduce(0) { $0 * 10 + Int($1 & 15) } : nil
    }
    guard let number = value(part.dropFirst().prefix(5)), let total = value(part.dropFirst(10)) else { return nil }
    return (number, total)
  }

  /// The name of another shard of the set.
  func name(of number: Int) -> String {
    func digits(_ value: Int) -> String { String(repeating: "0", count: max(0, 5 - "\(value)".count)) + "\(value)" }
    return "\(prefix)-\(digits(number))-of-\(digits(total))\(suffix)"
  }

  func isOfSet(_ other: ShardName) -> Bool { prefix == other.prefix && suffix == other.suffix && total == other.total }
}

/// Whether a set of shards is whole, and whether its index names all of it.
enum ShardSet: Correlator {
  static func isConcerned(_ buffer: FactBuffer, _ folder: ModelFolder) -> Bool {
    folder.fileName.utf8.count > 15 && folder.fileName.utf8.contains(UInt8(ascii: "-"))
      || folder.fileName.hasSuffix(indexSuffix)
  }

  private static let indexSuffix = ".index.json"

  static func correlate(_ buffer: inout FactBuffer, in folder: ModelFolder) {
    if let own = ShardName(folder.fileName) { completeness(of: own, &buffer, folder) }
    if folder.fileName.hasSuffix(indexSuffix) { strays(&buffer, folder) }
  }

  /// Said once, by the first shard that is there; an index says it of its own set.
  private static func completeness(of own: ShardName, _ buffer: inout FactBuffer, _ folder: ModelFolder) {
    guard own.total > 1, let first = buffer.facts.first else { return }
    let names = folder.names()
    guard !names.contains(own.prefix + own.suffix + indexSuffix) else { return }
    let present = Set(names.compactMap { ShardName($0) }.filter { $0.isOfSet(own) }.map(\.number))
    guard present.min() == own.number, present.count < own.total else { return }
    // GGUF splits and index-less sets count from one; some count from zero.
    let start = present.contains(0) ? 0 : 1
    let absent = (start..<(start + own.total)).lazy.filter { !present.contains($0) }
    let shown = absent.prefix(3).map { own.name(of: $0) }.joined(separator: ", ")
    let count = own.total - present.count
    let anomaly = AnomalyFact(
      subject: "folder.incomplete-set", field: "name",
      detail: "\(count) of \(own.total) are missing: \(shown)\(count > 3 ? " …" : "")", incomplete: true)
    buffer.emit(anomaly, at: first)
  }

  /// Weight files of an indexed set that the index does not name: loaders that go by name patterns take them in.
  private static func strays(_ buffer: inout FactBuffer, _ folder: ModelFolder) {
    var named: Set<String> = []
    var place: Fact?
    for fact in buffer.facts where fact.artifact == 0 {
      guard case .value(let value) = fact.payload, value.keyPath.hasPrefix("weight_map."),
        case .text(let name) = value.value
      else { continue }
      named.insert(name)
      place = place ?? fact
    }
    guard let place else { return }
    let sets = Set(named.compactMap { ShardName($0) }.map { [$0.prefix, $0.suffix] })
    for name in folder.names() where !named.contains(name) {
      guard let shard = ShardName(name), sets.contains([shard.prefix, shard.suffix]) else { continue }
      buffer.emit(AnomalyFact(subject: "folder.unlisted-shard", field: "weight_map", detail: name), at: place)
    }
  }
}

/// A pickle of weights beside the safetensors of the same model: which of the two is loaded hangs on the loader.
enum PickleTwin: Correlator {
  /// As the libraries that look for either name them.
  private static let twins: [(pickle: String, safetensors: [String])] = [
    ("pytorch_model.bin", ["model.safetensors", "model.safetensors.index.json"]),
    ("pytorch_model.bin.index.json", ["model.safetensors", "model.safetensors.index.json"]),
    ("adapter_model.bin", ["adapter_model.safetensors"]),
    ("diffusion_pytorch_model.bin", ["diffusion_pytorch_model.safetensors"]),
    ("pytorch_lora_weights.bin", ["pytorch_lora_weights.safetensors"]),
  ]

  static func isConcerned(_ buffer: FactBuffer, _ folder: ModelFolder) -> Bool {
    twins.contains { $0.pickle == folder.fileName }
  }

  static func correlate(_ buffer: inout FactBuffer, in folder: ModelFolder) {
    guard let twin = twins.first(where: { $0.pickle == folder.fileName }), let first = buffer.facts.first,
      let other = twin.safetensors.first(where: { folder.holds($0) == true })
    else { return }
    buffer.emit(AnomalyFact(subject: "folder.pickle-twin", field: "name", detail: other), at: first)
  }
}
