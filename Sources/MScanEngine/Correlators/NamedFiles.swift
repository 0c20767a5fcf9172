import MScanBytes
import MScanFacts

/// Files that a file names and that its folder does not have: shards of an index, modules of `auto_map`, external data.
///
/// A loader that misses one stops, or gets it from somewhere else; either way it was not read here.
enum NamedFiles: Correlator {
  private struct Missing {
    let kind: Kind
    let name: String
    let fact: Fact
    var count = 1
  }

  private enum Kind {
    case shard, module, externalData

    var subject: String {
      switch self {
      case .shard: "folder.missing-shard"
      case .module: "folder.missing-module"
      case .externalData: "folder.missing-external-data"
      }
    }
  }

  /// Fields of references whose files are part of the model, and where below its folder they are looked for.
  private static let external = [
    "onnx.external-data": "", "onnx.ep-context": "", "coreml.weights": "", "tf.asset": "assets/",
  ]

  static func isConcerned(_ buffer: FactBuffer, _ folder: ModelFolder) -> Bool {
    buffer.facts.contains { fact in
      switch fact.payload {
      case .value, .reference: fact.artifact == 0
      default: false
      }
    }
  }

  static func correlate(_ buffer: inout FactBuffer, in folder: ModelFolder) {
    var known: [String: Bool] = [:]
    var missing: [Missing] = []
    var places: [String: Int] = [:]
    // What lies inside an archive is loaded from there, so only the file's own words count.
    for fact in buffer.facts where fact.artifact == 0 {
      guard let (kind, name) = named(by: fact.payload) else { continue }
      let isThere: Bool
      if let answer = known[name] {
        isThere = answer
      } else {
        isThere = folder.holds(name) ?? true
        known[name] = isThere
      }
      guard !isThere else { continue }
      if let index = places[name] {
        missing[index].count += fact.count
      } else {
        places[name] = missing.count
        missing.append(Missing(kind: kind, name: name, fact: fact, count: fact.count))
      }
    }
    for item in missing {
      let anomaly = AnomalyFact(
        subject: item.kind.subject, field: field(of: item.fact), detail: item.name,
        // A module that is not there runs nothing; weights that are not there were not scanned.
        incomplete: item.kind != .module)
      buffer.emit(anomaly, at: item.fact, count: item.count)
    }
  }

  private static func field(of fact: Fact) -> String {
    switch fact.payload {
    case .value(let value): String(value.keyPath.prefix(200))
    case .reference(let reference): reference.field
    default: ""
    }
  }

  private static func named(by payload: Fact.Payload) -> (Kind, String)? {
    switch payload {
    case .value(let fact):
      guard case .text(let text) = fact.value else { return nil }
      if fact.keyPath.hasPrefix("weight_map.") { return (.shard, text) }
      return module(fact.keyPath, text).map { (.module, $0) }
    case .reference(let fact):
      guard fact.type == .path, let place = external[fact.field] else { return nil }
      return (.externalData, place + fact.target)
    default: return nil
    }
  }

  /// `modeling_x.py` of an `auto_map` entry `modeling_x.XModel`; nil for one that names another repository.
  private static func module(_ keyPath: String, _ reference: String) -> String? {
    guard keyPath.hasPrefix("auto_map.") || keyPath.holds(".auto_map."), !reference.holds("--"),
      let dot = reference.lastIndex(of: "."), dot > reference.startIndex
    else { return nil }
    return reference[..<dot].split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/") + ".py"
  }
}
