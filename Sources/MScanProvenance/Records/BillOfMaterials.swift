import MScanBytes
import MScanFacts

/// CycloneDX bills of materials, JSON, 1.2 to 1.7: components of type `file`, and others that bear a file's name, with
/// their hashes. Source: ECMA-424 and its schemas.
enum CycloneDXRecord: ProvenanceRecord {
  static let kind = "cyclonedx"
  static let title = "CycloneDX bill of materials"

  private static let types: Set<String> = [
    "application", "framework", "library", "container", "platform", "operating-system", "device", "device-driver",
    "firmware", "file", "machine-learning-model", "data", "cryptographic-asset",
  ]

  static func recognises(_ input: RecordInput) -> Bool { input.hasWords("\"bomFormat\"", "CycloneDX") }

  static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let root = found.root else { return reading }
    // The words may stand in a document of another kind.
    guard root["bomFormat"] != nil else { return reading }
    reading.findsBase = true
    guard root["bomFormat"]?.string == "CycloneDX", let version = root["specVersion"]?.string, version.hasPrefix("1.")
    else {
      reading.fail("record-malformed", "it is no bill of materials of version 1")
      return reading
    }
    var pending = root["components"]?.items ?? []
    if let main = root["metadata"]?["component"] { pending.append(main) }
    while let component = pending.popLast(), reading.claims.count < input.limits.recordEntries {
      pending.append(contentsOf: component["components"]?.items ?? [])
      add(component, to: &reading, input)
    }
    reading.claims.sort { $0.name < $1.name }
    return reading
  }

  private static func add(_ component: JSONValue, to reading: inout RecordReading, _ input: RecordInput) {
    let name = component["name"]?.string ?? ""
    guard let type = component["type"]?.string, types.contains(type) else {
      let written = component["type"]?.string ?? "none"
      reading.fail("record-malformed", "'\(written)' is no type of a component of CycloneDX (component '\(name)')")
      return
    }
    var digests: [Digest] = []
    for hash in component["hashes"]?.items ?? [] {
      guard let algorithm = hash["alg"]?.string, let digits = hash["content"]?.string, let bytes = Hex.bytes(digits),
        DigestAlgorithm(named: algorithm).length.map({ $0 == bytes.count }) ?? true
      else {
        reading.fail("record-malformed", "component '\(name)' has a hash that is none")
        continue
      }
      digests.append(Digest(DigestAlgorithm(named: algorithm), bytes))
    }
    guard !digests.isEmpty, !name.isEmpty else { return }
    var claim = RecordClaim(name: name, location: RecordPath.resolve(name, in: input.base), digests: digests)
    // A library or model need not be one file.
    claim.isOptional = type != "file"
    if claim.isOptional, claim.location == nil { return }
    reading.claims.append(claim)
  }
}

/// SPDX documents: `files` of version 2 and `software_File` of version 3, with their hashes.
/// Source: SPDX 2.3 §8, SPDX 3.0 `Software/File`, `Core/Hash`.
enum SPDXRecord: ProvenanceRecord {
  static let kind = "spdx"
  static let title = "SPDX document"

  static func recognises(_ input: RecordInput) -> Bool {
    input.hasWords("\"spdxVersion\"", "SPDX-2") || input.hasWords("\"@context\"", "spdx.org/rdf/3")
  }

  static func read(_ input: RecordInput) -> RecordReading {
    let found = RecordReading.document(kind, of: input)
    var reading = found.reading
    guard let root = found.root else { return reading }
    reading.findsBase = true
    for file in root["files"]?.items ?? [] {
      add(
        file["fileName"], (file["checksums"]?.items ?? []).map { ($0["algorithm"], $0["checksumValue"]) }, to: &reading,
        input)
    }
    for element in root["@graph"]?.items ?? [] {
      let type = element["type"]?.string ?? element["@type"]?.string ?? ""
      guard type.hasSuffix("File") else { continue }
      add(
        element["name"], (element["verifiedUsing"]?.items ?? []).map { ($0["algorithm"], $0["hashValue"]) },
        to: &reading,
        input)
    }
    return reading
  }

  private static func add(
    _ name: JSONValue?, _ hashes: [(JSONValue?, JSONValue?)], to reading: inout RecordReading, _ input: RecordInput
  ) {
    guard let name = name?.string, reading.claims.count < input.limits.recordEntries else { return }
    let digests = hashes.compactMap { algorithm, value -> Digest? in
      guard let algorithm = algorithm?.string, let bytes = value?.string.flatMap({ Hex.bytes($0) }) else { return nil }
      return Digest(DigestAlgorithm(named: algorithm), bytes)
    }
    guard !digests.isEmpty else { return }
    reading.claims.append(
      RecordClaim(name: name, location: RecordPath.resolve(name, in: input.base), digests: digests))
  }
}
