public import MScanBytes
import MScanFacts
public import MScanLineage

/// Advisories in the shape of OSV: one record, a list of them, an archive of such files, or a folder of them.
///
/// Read are `id`, `summary`, `details`, `withdrawn`, `severity[]`, and of `affected[]`: `package.name`, `package.purl`,
/// `ranges[].repo` with its `events`, and `versions`. OSV has no ecosystem for models; what it cannot say stands in
/// `database_specific` of the record or of an affected model: `severity`, and below `mscan` the `purl`, `files` and
/// `tensors` with their `sha256`, `propagates` and `relations`. Source: the OSV schema, 1.6 and later.
public enum AdvisoryFile {
  /// One file. Bytes; 64 MiB.
  private static let limit = 64 << 20
  /// Folders inside folders. Levels; 8: databases sort their records by year.
  private static let depth = 8

  /// - Throws: words for people.
  public static func read(_ path: SystemPath) throws(RegistryFile.Failure) -> [Advisory] {
    try read(path, depth: depth)
  }

  private static func read(_ path: SystemPath, depth: Int) throws(RegistryFile.Failure) -> [Advisory] {
    if (try? FileStatus(of: path, followLinks: true))?.kind == .folder {
      guard depth > 0, let entries = try? Folder.entries(of: path, followLinks: true) else {
        throw RegistryFile.Failure(message: "'\(path)' cannot be listed")
      }
      var all: [Advisory] = []
      for entry in entries where entry.kind == .folder || entry.name.description.lowercased().hasSuffix(".json") {
        all += try read(path.appending(entry.name), depth: depth - 1)
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
    let documents = buffer.artifacts.rows.indices.filter { buffer.artifacts[$0]?.format == "json" }
    if documents.isEmpty { throw RegistryFile.Failure(message: "'\(path)' is not JSON") }
    return advisories(in: buffer, Set(documents))
  }

  /// A record of a document: where it lies, and its values with their paths inside it.
  private struct Record {
    var values: [(path: [Substring], text: String)] = []

    func first(_ path: String...) -> String? {
      values.first { $0.path.elementsEqual(path, by: { String($0) == $1 }) }?.text
    }
  }

  /// Groups the values of each record: the key path up to the first field is the record.
  private static func advisories(in buffer: FactBuffer, _ documents: Set<Int>) -> [Advisory] {
    var records: [String: Record] = [:]
    var order: [String] = []
    for fact in buffer.facts where documents.contains(fact.artifact) {
      guard case .value(let value) = fact.payload else { continue }
      let steps = value.keyPath.split(separator: ".")
      var start = 0
      while start < steps.count, Int(steps[start]) != nil { start += 1 }
      let record = "\(fact.artifact)." + steps[..<start].joined(separator: ".")
      if records[record] == nil { order.append(record) }
      records[record, default: Record()].values.append((Array(steps[start...]), value.rendered))
    }
    return order.flatMap { read(records[$0] ?? Record()) }
  }

  /// What one `affected` entry says, or the record itself beside them.
  private struct Affected {
    var models: [String] = []
    var revisions: [String] = []
    var fixed: [String] = []
    var files: [Substring: (name: String, sha256: String)] = [:]
    var tensors: [Substring: (name: String, sha256: String)] = [:]
    var reach: Advisory.Reach?
    var relations: Set<String> = []
    var scores: [Double] = []

    mutating func take(_ path: ArraySlice<Substring>, _ text: String) {
      let path = Array(path)
      guard let first = path.first else { return }
      switch (first, path.count) {
      case ("package", 2) where path[1] == "name": addModel(text)
      case ("package", 2) where path[1] == "purl": addPurl(text)
      case ("versions", 2): revisions.append(text)
      case ("ranges", 3) where path[2] == "repo": addModel(AdvisoryFile.modelName(ofRepository: text))
      case ("ranges", 5) where path[4] == "fixed": fixed.append(text)
      case ("severity", 3) where path[2] == "score":
        scores += [Double(text) ?? CVSS.baseScore(text)].compactMap { $0 }
      case ("database_specific", 2) where path[1] == "severity":
        scores += [AdvisoryFile.words[text.lowercased()]].compactMap { $0 }
      case ("database_specific", 3...) where path[1] == "mscan": takeOwn(path.dropFirst(2), text)
      default: return
      }
    }

    private mutating func takeOwn(_ path: ArraySlice<Substring>, _ text: String) {
      let path = Array(path)
      switch (path[0], path.count) {
      case ("purl", 1): addPurl(text)
      case ("propagates", 1): reach = Advisory.Reach(rawValue: text)
      case ("relations", 2): relations.insert(text.lowercased())
      case ("files", 3) where path[2] == "path": files[path[1], default: ("", "")].name = text
      case ("files", 3) where path[2] == "sha256": files[path[1], default: ("", "")].sha256 = text
      case ("tensors", 3) where path[2] == "name": tensors[path[1], default: ("", "")].name = text
      case ("tensors", 3) where path[2] == "sha256": tensors[path[1], default: ("", "")].sha256 = text
      default: return
      }
    }

    private mutating func addModel(_ text: String) {
      guard let name = ModelName.normalised(text), !models.contains(name) else { return }
      models.append(name)
    }

    /// `pkg:huggingface/org/name@revision?…`
    private mutating func addPurl(_ text: String) {
      guard text.hasPrefix("pkg:"), let slash = text.firstIndex(of: "/") else { return }
      let rest = text[text.index(after: slash)...].prefix { $0 != "?" && $0 != "#" }
      let parts = rest.split(separator: "@", maxSplits: 1)
      guard let name = parts.first else { return }
      addModel(String(name))
      if parts.count > 1 { revisions.append(String(parts[1])) }
    }

    static func contents(_ found: [Substring: (name: String, sha256: String)]) -> [Advisory.Content] {
      found.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }.compactMap { _, content in
        let digest = content.sha256.hasPrefix("sha256:") ? String(content.sha256.dropFirst(7)) : content.sha256
        guard digest.utf8.count == 64 else { return nil }
        return Advisory.Content(name: content.name, sha256: digest)
      }
    }
  }

  /// `org/name` of an address, whatever its host.
  private static func modelName(ofRepository address: String) -> String {
    var rest = address[...]
    if let colon = address.firstIndex(of: ":"), address[colon...].hasPrefix("://") {
      rest = address[colon...].dropFirst(3)
      rest = rest.firstIndex(of: "/").map { rest[rest.index(after: $0)...] } ?? ""
    }
    if rest.hasSuffix(".git") { rest = rest.dropLast(4) }
    return rest.split(separator: "/").prefix(2).joined(separator: "/")
  }

  private static func read(_ record: Record) -> [Advisory] {
    guard let id = record.first("id"), record.first("withdrawn") == nil else { return [] }
    var whole = Affected()
    var entries: [Int: Affected] = [:]
    for (path, text) in record.values {
      if path.count > 2, path[0] == "affected", let number = Int(path[1]) {
        entries[number, default: Affected()].take(path[2...], text)
      } else {
        whole.take(path[...], text)
      }
    }
    let summary = record.first("summary") ?? String((record.first("details") ?? "").prefix(200))
    let affected = entries.isEmpty ? [whole] : entries.sorted { $0.key < $1.key }.map(\.value)
    return affected.enumerated().flatMap { number, entry in
      let models = entry.models + (number == 0 || entry.models.isEmpty ? whole.models : [])
      var advisory = Advisory(
        id: id, summary: summary, model: "", revisions: entry.revisions + (entry.models.isEmpty ? whole.revisions : []),
        fixed: entry.fixed, files: Affected.contents(entry.files), tensors: Affected.contents(entry.tensors),
        reach: entry.reach ?? whole.reach ?? .descendants,
        relations: entry.relations.isEmpty ? whole.relations : entry.relations,
        score: entry.scores.max() ?? whole.scores.max() ?? 5)
      if number == 0, !entries.isEmpty {
        advisory.files += Affected.contents(whole.files)
        advisory.tensors += Affected.contents(whole.tensors)
      }
      if models.isEmpty { return advisory.files.isEmpty && advisory.tensors.isEmpty ? [] : [advisory] }
      return models.enumerated().map { place, model in
        var one = advisory
        one.model = model
        // The bytes are the same for all of them.
        if place > 0 { (one.files, one.tensors) = ([], []) }
        return one
      }
    }
  }

  private static let words: [String: Double] = [
    "critical": 9.5, "high": 8, "moderate": 5.5, "medium": 5.5, "low": 3,
  ]
}
