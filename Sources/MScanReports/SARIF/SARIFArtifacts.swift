import MScanBytes
import MScanFacts

/// The run's `artifacts`: the files that results and notifications name, and the nested ones on the way to a result.
/// The array has to be free of duplicates, so rows that read alike are one.
struct SARIFArtifacts {
  struct Row: Hashable {
    var uri: String
    /// Row that holds it; nil for a file on disk.
    var parent: Int?
    /// Encoded bytes in the parent.
    var offset: Int?
    var length: Int?
    var format: String
    var encoding: String
    /// SHA-256 of a file on disk, in hexadecimal digits; empty when it was not hashed.
    var sha256 = ""
  }

  static let base = "%SRCROOT%"

  private(set) var rows: [Row] = []
  private let paths: SARIFPaths
  private let table: ArtifactTable
  private let digests: [String: String]
  private var files: [String: Int] = [:]
  private var nested: [Row: Int] = [:]
  private var known: [Int: Int] = [:]

  init(_ report: ScanReport) {
    paths = SARIFPaths(report.findings.map(\.file) + report.unread.map(\.file))
    table = report.artifacts
    digests = report.digests
  }

  /// The row of a file on disk.
  mutating func file(_ name: String, size: Int? = nil, format: String = "") -> Int {
    let uri = paths.uri(of: name)
    if let row = files[uri] { return row }
    rows.append(Row(uri: uri, length: size, format: format, encoding: "", sha256: digests[name] ?? ""))
    files[uri] = rows.count - 1
    return rows.count - 1
  }

  /// The row of an artifact of the report's table, after those of all that holds it.
  mutating func nested(_ finding: Finding) -> Int {
    var path: [Int] = []
    var at: Int? = finding.artifact
    while let index = at, let row = table[index], known[index] == nil {
      path.append(index)
      at = row.parent.flatMap { $0 < index ? $0 : nil }
    }
    for index in path.reversed() {
      guard let artifact = table[index] else { continue }
      known[index] = add(artifact, below: artifact.parent.flatMap { known[$0] })
    }
    return known[finding.artifact] ?? file(finding.file)
  }

  private mutating func add(_ artifact: Artifact, below parent: Int?) -> Int {
    guard let parent else { return file(artifact.name, size: artifact.size, format: artifact.format) }
    let row = Row(
      uri: SARIFPaths.uri(ofMember: artifact.name), parent: parent, offset: artifact.rangeInParent?.start,
      length: artifact.size, format: artifact.format, encoding: artifact.encoding.rawValue)
    if let index = nested[row] { return index }
    rows.append(row)
    nested[row] = rows.count - 1
    return rows.count - 1
  }

  // MARK: - Writing

  func location(of index: Int, to json: inout JSONWriter) {
    json.object("artifactLocation") { json in
      guard rows.indices.contains(index) else { return }
      json.member("uri", rows[index].uri)
      if rows[index].parent == nil { json.member("uriBaseId", Self.base) }
      json.member("index", index)
    }
  }

  func write(to json: inout JSONWriter) {
    json.list("artifacts", rows) { json, row in
      json.object { json in
        json.object("location") { json in
          json.member("uri", row.uri)
          if row.parent == nil { json.member("uriBaseId", Self.base) }
        }
        if let parent = row.parent {
          json.member("parentIndex", parent)
          if let offset = row.offset { json.member("offset", offset) }
        }
        if let length = row.length { json.member("length", length) }
        if row.parent == nil { json.member("roles", ["analysisTarget"]) }
        if !row.sha256.isEmpty { json.object("hashes") { $0.member("sha-256", row.sha256) } }
        guard !row.format.isEmpty || !row.encoding.isEmpty else { return }
        json.object("properties") { json in
          if !row.format.isEmpty { json.member("format", row.format) }
          if !row.encoding.isEmpty { json.member("encoding", row.encoding) }
        }
      }
    }
  }
}
