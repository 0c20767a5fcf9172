public import MScanBytes
import MScanFacts
public import MScanLineage

/// Advisories in the shape of OSV: one record, a list of them, or a folder of such files.
///
/// Read are `id`, `summary`, `affected[].package.name`, `affected[].versions`, `severity[].score` (a number, or a CVSS 3
/// vector) and `database_specific.severity`. Source: the OSV schema, 1.6.
public enum AdvisoryFile {
  /// One file. Bytes; 64 MiB.
  private static let limit = 64 << 20

  /// - Throws: words for people.
  public static func read(_ path: SystemPath) throws(RegistryFile.Failure) -> [Advisory] {
    if (try? FileStatus(of: path, followLinks: true))?.kind == .folder {
      guard let entries = try? Folder.entries(of: path, followLinks: true) else {
        throw RegistryFile.Failure(message: "'\(path)' cannot be listed")
      }
      var all: [Advisory] = []
      for entry in entries where entry.name.description.hasSuffix(".json") {
        all += try read(path.appending(entry.name))
      }
      return all
    }
    guard let file = try? OpenFile(path), file.size <= limit,
      let bytes = try? ByteSource(file).bytes(ByteRange(0, file.size), limit: limit)
    else { throw RegistryFile.Failure(message: "'\(path)' cannot be read") }
    var limits = Limits.standard
    limits.values = 10_000_000
    limits.facts = 10_000_000
    let buffer = Walker(limits: limits).read(bytes, name: "advisories.json").buffer
    if buffer.fileFormat != "json" { throw RegistryFile.Failure(message: "'\(path)' is not JSON") }
    return advisories(in: buffer)
  }

  /// Groups the values of each record: the key path up to the field is the record.
  private static func advisories(in buffer: FactBuffer) -> [Advisory] {
    var records: [String: [(path: [Substring], text: String)]] = [:]
    var order: [String] = []
    for fact in buffer.facts where fact.artifact == 0 {
      guard case .value(let value) = fact.payload else { continue }
      let steps = value.keyPath.split(separator: ".")
      var start = 0
      while start < steps.count, Int(steps[start]) != nil { start += 1 }
      let record = steps[..<start].joined(separator: ".")
      if records[record] == nil { order.append(record) }
      records[record, default: []].append((Array(steps[start...]), value.rendered))
    }
    return order.flatMap { record(records[$0] ?? []) }
  }

  private static func record(_ values: [(path: [Substring], text: String)]) -> [Advisory] {
    func first(_ path: [Substring]) -> String? { values.first { $0.path == path }?.text }
    guard let id = first(["id"]) else { return [] }
    var models: [Substring: (name: String, revisions: [String])] = [:]
    var scores: [Double] = []
    for (path, text) in values {
      if path.count == 4, path[0] == "affected", path[2] == "package", path[3] == "name" {
        models[path[1], default: ("", [])].name = text
      } else if path.count == 4, path[0] == "affected", path[2] == "versions" {
        models[path[1], default: ("", [])].revisions.append(text)
      } else if path.count == 3, path[0] == "severity", path[2] == "score" {
        scores += [Double(text) ?? CVSS.baseScore(text)].compactMap { $0 }
      } else if path == ["database_specific", "severity"] {
        scores += [words[text.lowercased()]].compactMap { $0 }
      }
    }
    return models.sorted { $0.key < $1.key }.compactMap { _, model in
      ModelName.normalised(model.name).map {
        Advisory(
          id: id, summary: first(["summary"]) ?? "", model: $0, revisions: model.revisions, score: scores.max() ?? 5)
      }
    }
  }

  private static let words: [String: Double] = [
    "critical": 9.5, "high": 8, "moderate": 5.5, "medium": 5.5, "low": 3,
  ]
}

/// The base score of a CVSS 3 vector. Source: the specification of CVSS 3.1, section 7.1.
enum CVSS {
  private static let weights: [String: [String: Double]] = [
    "AV": ["N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2], "AC": ["L": 0.77, "H": 0.44],
    "UI": ["N": 0.85, "R": 0.62], "C": ["H": 0.56, "L": 0.22, "N": 0], "I": ["H": 0.56, "L": 0.22, "N": 0],
    "A": ["H": 0.56, "L": 0.22, "N": 0],
  ]

  /// Nil for what is no such vector.
  static func baseScore(_ vector: String) -> Double? {
    var metrics: [String: String] = [:]
    for part in vector.split(separator: "/") {
      let pair = part.split(separator: ":")
      if pair.count == 2 { metrics[String(pair[0])] = String(pair[1]) }
    }
    guard metrics["CVSS"]?.hasPrefix("3") == true else { return nil }
    func weight(_ name: String) -> Double? { metrics[name].flatMap { weights[name]?[$0] } }
    let isChanged = metrics["S"] == "C"
    let privileges = metrics["PR"].flatMap {
      ["N": 0.85, "L": isChanged ? 0.68 : 0.62, "H": isChanged ? 0.5 : 0.27][$0]
    }
    guard let av = weight("AV"), let ac = weight("AC"), let ui = weight("UI"), let pr = privileges,
      let c = weight("C"), let i = weight("I"), let a = weight("A")
    else { return nil }
    let base = 1 - (1 - c) * (1 - i) * (1 - a)
    var power = 1.0
    for _ in 0..<15 { power *= base - 0.02 }
    let impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * power : 6.42 * base
    guard impact > 0 else { return 0 }
    let sum = impact + 8.22 * av * ac * pr * ui
    return ((min(10, isChanged ? 1.08 * sum : sum)) * 10).rounded(.up) / 10
  }
}
